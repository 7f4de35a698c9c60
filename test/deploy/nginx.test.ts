/** Two instances behind nginx, one replaced after the other under load: nobody notices more than that sockets have to come back. */
import { Client } from 'pg';
import { until } from '../faults/Scene';
import { problemsOf } from '../faults/integrity';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { type Nginx, startNginx } from '../harness/nginx';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { TRANSPORTS } from '../harness/subscriber';
import { Follower } from './Followers';
import { Load } from './Load';

jest.setTimeout(120_000);

/** A close, or what kept a socket from being opened. */
interface WebSocketError {
  readonly code?: number;
  readonly message?: string;
}

let database: TestDatabase;
let instances: ServerProcess[];
let nginx: Nginx;

beforeAll(async () => {
  database = await createTestDatabase();
  instances = await Promise.all([start('0'), start('0')]);
  const [one = '', other = ''] = instances.map((instance) => serverOf(instance).url);
  nginx = await startNginx([one, other]);
});

afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await nginx.stop();
  await database.drop();
});

/** Started, and asked whether it is ready, as its image's health check asks. */
async function start(port: string): Promise<ServerProcess> {
  const started = await startProcess({ DATABASE_URL: database.url, PORT: port });
  expect((await fetch(`${serverOf(started).url}/readyz`)).status).toBe(200);
  return started;
}

test('both instances are replaced, one after the other, and every request is answered', async () => {
  const { data } = await ask(nginx, '{ census { cursor } }');
  const load = new Load();
  const pick = (): string => nginx.url;
  load.add(6, 'kept', pick);
  load.add(2, 'new', pick);
  const followers = TRANSPORTS.flatMap((transport) =>
    [1, 2, 3, 4].map(() => new Follower(transport, pick, data.census.cursor)),
  );
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

  expect(load.failures).toEqual([]);
  const conceived = [...load.acknowledged].sort();
  await until(() => followers.every(({ lives }) => lives.length >= conceived.length));
  await Promise.all(followers.map((follower) => follower.stop()));
  for (const { lives } of followers) expect([...lives].sort()).toEqual(conceived);
  for (const { transport, endings } of followers) {
    // Wherever it was, it has had to move once at least.
    expect(endings.length).toBeGreaterThanOrEqual(1);
    if (transport !== 'WebSocket') continue;
    const [first, ...later] = endings;
    expect(first).toMatchObject({ error: { code: 1012 } });
    // nginx may try a connection first that it has kept to who is leaving.
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

test('an error says which request it was, also by way of nginx', async () => {
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

test('a page of a foreign origin is refused by way of nginx, and our own is not', async () => {
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
