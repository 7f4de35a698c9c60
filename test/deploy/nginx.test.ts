/**
 * Two instances behind nginx, replaced one after the other under load. Clients notice only that their subscriptions end
 * once.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { Bystanders } from '../api/Bystanders';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { problemsOf } from '../faults/integrity';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { type Nginx, startNginx } from '../harness/nginx';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { TRANSPORTS } from '../../packages/persistent-machine/test/harness/subscriber';
import { Follower } from './Followers';
import { Load } from './Load';

jest.setTimeout(120_000);

/** How a socket closed, or why it did not open. */
interface WebSocketError {
  readonly code?: number;
  readonly message?: string;
}

let database: TestDatabase;
let instances: ServerProcess[];
let nginx: Nginx;
let bystanders: Bystanders;

beforeAll(async () => {
  database = await createTestDatabase();
  instances = await Promise.all([start('0'), start('0')]);
  const [one = '', other = ''] = instances.map((instance) => serverOf(instance).url);
  nginx = await startNginx([one, other]);
  bystanders = await Bystanders.of({
    url: nginx.url,
    logs: [],
    database,
    stop: () => nginx.stop(),
  });
});

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  await bystanders.leave();
  await Promise.all(instances.map((instance) => instance.stop()));
  await nginx.stop();
  await database.drop();
});

/** Starts an instance, and checks that it is ready, as the image's health check does. */
async function start(port: string): Promise<ServerProcess> {
  const started = await startProcess({ DATABASE_URL: database.url, PORT: port });
  expect((await fetch(`${serverOf(started).url}/readyz`)).status).toBe(200);
  return started;
}

test('both instances are replaced one after the other, and every request is answered', async () => {
  const { data } = await ask(nginx, '{ census { cursor } }');
  const load = new Load();
  const pick = (): string => nginx.url;
  load.add(6, 'kept', pick);
  load.add(2, 'new', pick);
  const followers = TRANSPORTS.flatMap((transport) =>
    [1, 2, 3, 4].map(() => new Follower(transport, pick, data.census.cursor)),
  );
  try {
    await load.untilAcknowledged(100);
    await until(() => followers.every(({ lives }) => lives.length > 0));

    for (const [index, leaving] of [...instances.entries()]) {
      const { port } = new URL(serverOf(leaving).url);
      leaving.child.kill('SIGTERM');
      expect(await leaving.ended).toEqual({ code: 0, complaint: '' });
      await load.untilAcknowledged(100);
      instances[index] = await start(port);
      await load.untilAcknowledged(100);
    }
    await load.stop();
    await until(() => followers.every(({ lives }) => lives.length >= load.acknowledged.length));
  } finally {
    await load.stop();
    await Promise.all(followers.map((follower) => follower.stop()));
  }

  expect(load.failures).toEqual([]);
  const conceived = [...load.acknowledged].sort();
  for (const { lives } of followers) expect([...lives].sort()).toEqual(conceived);
  for (const { transport, endings } of followers) {
    // Each subscriber has had to reconnect at least once.
    expect(endings.length).toBeGreaterThanOrEqual(1);
    if (transport !== 'WebSocket') continue;
    const [first, ...later] = endings;
    expect(first).toMatchObject({ error: { code: 1012 } });
    // nginx may first try a connection that it has kept to the leaving instance.
    for (const ending of later) {
      const { code, message } = Object(Reflect.get(ending, 'error')) as WebSocketError;
      expect([1012, 'Unexpected server response: 503']).toContain(code ?? message);
    }
  }
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  expect(await problemsOf(owner)).toEqual([]);
  await owner.end();
});

test('an error names its request, also through nginx', async () => {
  const response = await fetch(`${nginx.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query": "{ nothing }"}',
  });
  const { errors } = (await response.json()) as { errors: { extensions: object }[] };
  expect(errors[0]?.extensions).toMatchObject({
    requestId: response.headers.get('x-request-id'),
  });
});

test('a page of a foreign origin is refused through nginx, and the server’s own is not', async () => {
  const statusFor = async (origin: string): Promise<number> => {
    const response = await fetch(`${nginx.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: '{"query": "{ __typename }"}',
    });
    await response.text();
    return response.status;
  };
  expect(await statusFor('http://foreign.example')).toBe(403);
  expect(await statusFor(nginx.url)).toBe(200);
});

test('a request with a host name that was rebound to nginx is refused, whatever its case or port', async () => {
  const statusFor = async (host: string): Promise<string> => {
    const { hostname, port } = new URL(nginx.url);
    const socket = connect(Number(port), hostname);
    const body = '{"query": "mutation { conceive { id } }"}';
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: ${host}\r\norigin: http://${host}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
    return (await text(socket)).split('\r\n', 1)[0] ?? '';
  };
  const total = async (): Promise<unknown> => (await ask(nginx, '{ census { total } }')).data;
  const before = await total();
  for (const host of ['evil.example', 'EVIL.example:8080', 'localhost.evil.example', '10.0.0.1']) {
    expect(await statusFor(host)).toMatch(/^HTTP\/1\.1 421 /);
  }
  expect(await total()).toEqual(before);
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '[::1]:8080']) {
    expect(await statusFor(host)).toBe('HTTP/1.1 200 OK');
  }
  // nginx passes a configured name on. The instances listen on loopback here, and refuse it themselves.
  expect(await statusFor('lives.example')).toBe('HTTP/1.1 403 Forbidden');
});
