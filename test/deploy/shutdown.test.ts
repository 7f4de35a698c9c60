/** SIGTERM under load: an instance leaves, and clients and subscribers notice only that they have to move. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { Client } from 'pg';
import { Bystanders } from '../api/Bystanders';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { problemsOf } from '../faults/integrity';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { TRANSPORTS } from '../../packages/persistent-machine/test/harness/subscriber';
import { Follower } from './Followers';
import { Load } from './Load';

jest.setTimeout(120_000);

let database: TestDatabase;
/** Stops what a test has started, the last one first. */
let cleanUps: (() => Promise<unknown>)[];

beforeEach(async () => {
  database = await createTestDatabase();
  cleanUps = [() => database.drop()];
});

afterEach(async () => {
  const failures: unknown[] = [];
  for (const cleanUp of cleanUps.reverse()) {
    // Stops all of them, even if one fails.
    await cleanUp().catch((error: unknown) => failures.push(error));
  }
  expect(failures).toEqual([]);
});

async function start(graceMs: number): Promise<ServerProcess> {
  const started = await startProcess({
    DATABASE_URL: database.url,
    SHUTDOWN_GRACE_MS: String(graceMs),
  });
  cleanUps.push(() => started.stop());
  return started;
}

/** Asks on a new connection, as a load balancer does. */
async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`, { headers: { connection: 'close' } }).catch(
    () => undefined,
  );
  await response?.text();
  return response?.status === 200;
}

test('every request is answered, and every subscriber continues at the other instance and misses nothing', async () => {
  const [one, other] = await Promise.all([start(20_000), start(20_000)]);
  const urls = [serverOf(one).url, serverOf(other).url] as const;
  const bystanders = await Bystanders.of({
    url: urls[1],
    logs: [],
    database,
    stop: () => other.stop(),
  });
  cleanUps.push(() => bystanders.leave());
  const { data } = await ask({ url: urls[1] }, '{ census { cursor } }');

  // A load balancer that takes the ready instances by turns.
  let ready: readonly string[] = urls;
  let turn = 0;
  const watching = new AbortController();
  const balancer = (async () => {
    while (!watching.signal.aborted) {
      const answers = await Promise.all(urls.map(isReady));
      ready = urls.filter((_url, index) => answers[index]);
    }
  })();
  cleanUps.push(() => {
    watching.abort();
    return balancer;
  });
  const pick = (): string => {
    const url = ready[(turn += 1) % ready.length];
    if (url === undefined) throw new Error('No instance is ready.');
    return url;
  };

  const load = new Load();
  cleanUps.push(() => load.stop());
  load.add(6, 'kept', pick);
  load.add(3, 'new', pick);
  const followers = TRANSPORTS.flatMap((transport) =>
    [1, 2, 3].map(() => {
      // All of them begin at the instance that will leave.
      let url = urls[0];
      return new Follower(
        transport,
        () => {
          const mine = url;
          url = urls[1];
          return mine;
        },
        data.census.cursor,
      );
    }),
  );
  cleanUps.push(() => Promise.all(followers.map((follower) => follower.stop())));
  await load.untilAcknowledged(100);
  await until(() => followers.every(({ lives }) => lives.length > 0));

  one.child.kill('SIGTERM');
  await until(() => !ready.includes(urls[0]));
  // Some load balancers have not noticed yet, so the instance still answers new requests.
  expect((await ask({ url: urls[0] }, '{ __typename }')).status).toBe(200);
  expect(await one.ended).toEqual({ code: 0, complaint: '' });
  await expect(ask({ url: urls[0] }, '{ __typename }')).rejects.toThrow();
  await load.untilAcknowledged(100);
  await load.stop();

  expect(load.failures).toEqual([]);
  const conceived = [...load.acknowledged].sort();
  await until(() => followers.every(({ lives }) => lives.length >= conceived.length));
  await Promise.all(followers.map((follower) => follower.stop()));
  for (const { transport, lives, endings } of followers) {
    expect([...lives].sort()).toEqual(conceived);
    // Each subscription ended once, and the next one lasted.
    expect(endings).toMatchObject([
      transport === 'WebSocket' ? { by: 'error', error: { code: 1012 } } : { by: 'error' },
    ]);
  }
  await bystanders.expectUnchanged();
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  expect(await problemsOf(owner)).toEqual([]);
  await owner.end();
});

test('a request on an idle connection during the shutdown is answered, and its answer ends the connection', async () => {
  const leaving = await start(30_000);
  const { url } = serverOf(leaving);
  expect(await isReady(url)).toBe(true);
  const used = await open(url);
  expect(await askOn(used)).toMatch(/^HTTP\/1\.1 200 OK\r\n(?!.*connection: close)/is);
  const unused = await open(url);
  leaving.child.kill('SIGTERM');
  await until(async () => {
    const socket = await open(url).catch(() => undefined);
    socket?.destroy();
    return socket === undefined;
  });
  for (const socket of [used, unused]) {
    expect(await askOn(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n/is);
  }
  expect(await leaving.ended).toEqual({ code: 0, complaint: '' });
});

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

async function askOn(socket: Socket): Promise<string> {
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

test('without a load balancer, or from a terminal, the server stops at once', async () => {
  // If the server waited for its grace period, the test would time out.
  const unwatched = await start(600_000);
  expect((await ask(serverOf(unwatched), '{ __typename }')).status).toBe(200);
  unwatched.child.kill('SIGTERM');
  expect(await unwatched.ended).toEqual({ code: 0, complaint: '' });

  const inTerminal = await start(600_000);
  expect(await isReady(serverOf(inTerminal).url)).toBe(true);
  inTerminal.child.kill('SIGINT');
  expect(await inTerminal.ended).toEqual({ code: 0, complaint: '' });
});
