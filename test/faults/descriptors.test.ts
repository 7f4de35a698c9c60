/** A process with a low limit of open descriptors, and clients that open more connections than that. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { Bystanders } from '../api/Bystanders';
import { dataOf } from '../api/client';
import { livingIn } from '../api/lives';
import { type TestDatabase, createTestDatabase } from '../harness';
import { Proxy } from '../harness/proxy';
import { freePort, serverOf, spawnProcess, startProcess } from '../harness/serverProcess';
import { until } from '../../packages/persistent-machine/test/harness/until';

jest.setTimeout(60_000);

const DESCRIPTORS = 200;
const CONNECTIONS = 260;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
});

/** Opens idle connections, and waits until the server has accepted or refused each. */
async function crowd(url: string): Promise<Socket[]> {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: CONNECTIONS }, () =>
    connect(Number(port), hostname)
      .on('error', () => undefined)
      .resume(),
  );
  await Promise.all(
    sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])),
  );
  await until(() => sockets.some(({ destroyed }) => destroyed));
  return sockets;
}

async function leave(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(
    sockets.map(async (socket) => {
      if (socket.destroyed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    }),
  );
}

const isAlive = async (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`, { headers: { connection: 'close' } }).then(
    ({ ok }) => ok,
    () => false,
  );

test('at its limit a server refuses connections, serves the open ones, and accepts new ones once there is room', async () => {
  const running = await startProcess(
    { DATABASE_URL: database.url },
    { mostDescriptors: DESCRIPTORS },
  );
  const server = serverOf(running);
  const bystanders = await Bystanders.of({
    ...server,
    database,
    logs: running.logs,
    stop: async () => running.stop(),
  });
  try {
    const id = await livingIn(server, 'Gestating');
    // Node's client keeps this connection alive, so it is older than the crowd's.
    const before = await fetch(`${server.url}/metrics`);
    expect(await before.text()).toMatch(new RegExp(`^process_max_fds ${DESCRIPTORS}$`, 'm'));

    const sockets = await crowd(server.url);
    const taken = sockets.filter(({ destroyed }) => !destroyed);
    expect(taken.length).toBeGreaterThan(DESCRIPTORS / 3);
    expect(
      await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id }),
    ).toEqual({ birth: { __typename: 'Alive' } });
    expect(running.logs).toContainEqual(
      expect.objectContaining({ msg: 'Too many connections: new ones are refused' }),
    );

    await leave(sockets);
    await until(async () => isAlive(server.url));
    expect(
      await dataOf(server, 'mutation ($id: ID!) { die(id: $id) { __typename } }', { id }),
    ).toEqual({
      die: { __typename: 'Dead' },
    });
    const after = await fetch(`${server.url}/metrics`);
    expect(after.status).toBe(200);
    await bystanders.expectUnchanged();
  } finally {
    await bystanders.leave();
    await running.stop();
  }
});

test('a server that waits for its database does the same', async () => {
  const network = await Proxy.to(database.url);
  network.refuse();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment = { DATABASE_URL: network.url, PORT: String(port) };
  const starting = spawnProcess(environment, { mostDescriptors: DESCRIPTORS });
  try {
    await until(async () => isAlive(url));
    const sockets = await crowd(url);
    await leave(sockets);
    await until(async () => isAlive(url));
    const crowdedAgain = await crowd(url);
    await network.accept();
    expect(await starting.url).toBe(url);
    await leave(crowdedAgain);
    expect(await isAlive(url)).toBe(true);
  } finally {
    await starting.stop();
    await network.stop();
  }
});
