/**
 * Stale reads on a real streaming replica: only pages may be stale, and whatever is wrong with the replica, they are
 * answered.
 */
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { type Answer, type TestServer, ask, startServer } from '../harness';
import { Cluster } from '../harness/cluster';
import { Proxy } from '../harness/proxy';

jest.setTimeout(60_000);

let primary: Cluster;
let replica: Cluster;
/** Between the server and the replica. */
let network: Proxy;
let server: TestServer;
/** A life that must not change. */
let bystander: string;

beforeAll(async () => {
  primary = await Cluster.create();
  await primary.administrate('CREATE DATABASE lives OWNER owner');
  replica = await primary.replicate();
  network = await Proxy.to(databaseOf(replica));
});

afterAll(async () => {
  await server.stop();
  await network.stop();
  await replica.stop();
  await primary.stop();
});

afterEach(async () => {
  await resume();
  const { life } = await dataOf(`{ life(id: "${bystander}") { phase version } }`);
  expect(life).toEqual({ phase: 'GESTATING', version: 1 });
});

function databaseOf(cluster: Cluster): string {
  return cluster.ownerUrl.replace(/postgres$/, 'lives');
}

async function dataOf(
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Answer['data']> {
  const { data, errors } = await ask(server, query, variables);
  expect(errors).toBeUndefined();
  return data;
}

async function conceive(): Promise<string> {
  const id = uuidv7();
  await dataOf('mutation ($id: ID) { conceive(id: $id) { id } }', { id });
  return id;
}

const LATEST = `{
  lives(order: NEWEST_FIRST, first: 1) { totalCount nodes { id phase } }
  transitions(last: 1) { nodes { lifeId event } }
}`;

/** Whether the pages show a life that was conceived last. */
async function shows(id: string): Promise<{ lives: boolean; transitions: boolean }> {
  const { lives, transitions } = await dataOf(LATEST);
  return {
    lives: lives.nodes[0]?.id === id,
    transitions: transitions.nodes[0]?.lifeId === id,
  };
}

const EVERYWHERE = { lives: true, transitions: true };

/** Pauses the replica's replay. */
async function pause(): Promise<void> {
  await replica.administrate('SELECT pg_wal_replay_pause()');
  await until(async () => {
    const [row] = await replica.administrate('SELECT pg_get_wal_replay_pause_state() AS state');
    return row !== undefined && 'state' in row && row.state === 'paused';
  });
}

async function resume(): Promise<void> {
  await replica.administrate('SELECT pg_wal_replay_resume()');
}

/**
 * Waits until the replica has replayed everything that the primary has done, even what it has not written to disk yet.
 * PostgreSQL writes the end of a rolled-back transaction, which releases its locks, only when it has time.
 */
async function untilCaughtUp(): Promise<void> {
  const [written] = await primary.administrate('SELECT pg_current_wal_insert_lsn() AS lsn');
  const lsn = String(Object(written).lsn);
  await until(async () => {
    const [row] = await replica.administrate(
      `SELECT pg_last_wal_replay_lsn() >= '${lsn}' AS caught_up`,
    );
    return row !== undefined && 'caught_up' in row && row.caught_up === true;
  });
}

/** Waits until pages come from the replica: while its replay is paused, they lack a new life. */
async function untilReplicaIsRead(): Promise<void> {
  await resume();
  await untilCaughtUp();
  await pause();
  const id = await conceive();
  await until(async () => !(await shows(id)).lives);
  await resume();
  // Not by reading pages: the replay could now cancel such a read, and the server would then avoid the replica for a
  // while.
  await untilCaughtUp();
}

/** @returns a session whose transaction has locked a table, on the replica as well */
async function lockEverywhere(table: string): Promise<Client> {
  const session = new Client({ connectionString: databaseOf(primary) });
  await session.connect();
  await session.query(`BEGIN; LOCK TABLE ${table}`);
  // Without this flush, the lock would take seconds to reach the replica.
  await primary.administrate('CHECKPOINT');
  await until(async () => {
    const reader = new Client({ connectionString: databaseOf(replica) });
    await reader.connect();
    const { rows } = await reader.query(
      `SELECT FROM pg_locks WHERE relation = $1::regclass AND mode = 'AccessExclusiveLock'`,
      [table],
    );
    await reader.end();
    return rows.length > 0;
  });
  return session;
}

/** How many of the server's sessions wait for a lock. */
async function waitingForLocks(cluster: Cluster): Promise<number> {
  const rows = await cluster.administrate(
    `SELECT FROM pg_stat_activity
     WHERE application_name = 'persistent-state-machine' AND wait_event_type = 'Lock'`,
  );
  return rows.length;
}

test('a server does not read a replica that lacks its tables, and reads it once it has them', async () => {
  await pause();
  server = await startServer({
    DATABASE_URL: databaseOf(primary),
    DATABASE_REPLICA_URL: network.url,
    REQUEST_TIMEOUT_MS: '15000',
  });
  expect(await dataOf('{ lives { totalCount nodes { id } } }')).toEqual({
    lives: { totalCount: 0, nodes: [] },
  });
  bystander = await conceive();
  expect(await shows(bystander)).toEqual(EVERYWHERE);
  await resume();
  await untilReplicaIsRead();
});

test('while replay is paused, only the pages of lives and transitions are as old as the replica', async () => {
  await untilCaughtUp();
  await pause();
  const before = await dataOf(LATEST);
  const totalCount = Number(before.lives.totalCount);
  const id = await conceive();
  await dataOf('mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
  // The replica may just have cancelled a read that conflicted with its replay.
  await until(async () => !(await shows(id)).lives);
  expect(await dataOf(LATEST)).toEqual(before);
  expect(
    await dataOf(
      `query ($id: ID!) {
        life(id: $id) { phase history { nodes { event } } snapshot(version: 1) { phase } }
        nodes(ids: [$id]) { id }
        census { total alive }
      }`,
      { id },
    ),
  ).toEqual({
    life: {
      phase: 'ALIVE',
      history: { nodes: [{ event: 'CONCEPTION' }, { event: 'BIRTH' }] },
      snapshot: { phase: 'GESTATING' },
    },
    nodes: [{ id }],
    census: { total: totalCount + 1, alive: 1 },
  });
  await resume();
  await until(async () => (await dataOf(LATEST)).transitions.nodes[0].event === 'BIRTH');
  expect(await dataOf(LATEST)).toEqual({
    lives: { totalCount: totalCount + 1, nodes: [{ id, phase: 'ALIVE' }] },
    transitions: { nodes: [{ lifeId: id, event: 'BIRTH' }] },
  });
});

test('a page after a cursor that the replica has not replayed yet comes from the primary, with the rows that follow', async () => {
  await untilReplicaIsRead();
  await pause();
  const { census } = await dataOf('{ census { cursor } }');
  const one = await conceive();
  const { transitions } = await dataOf(
    'query ($after: String) { transitions(after: $after) { nodes { lifeId } } }',
    { after: census.cursor },
  );
  // The replica has this cursor, so the page is as old as the replica.
  expect(transitions.nodes).toEqual([]);
  const {
    census: { cursor },
  } = await dataOf('{ census { cursor } }');
  const two = await conceive();
  const beyond = await dataOf(
    `query ($cursor: String) {
      after: transitions(after: $cursor) { nodes { lifeId } }
      before: transitions(before: $cursor, last: 1) { pageInfo { hasNextPage } nodes { lifeId } }
      from: transitions(first: 1, before: $cursor) { pageInfo { hasNextPage } }
    }`,
    { cursor },
  );
  expect(beyond.after.nodes).toEqual([{ lifeId: two }]);
  expect(beyond.before.pageInfo).toEqual({ hasNextPage: true });
  expect(beyond.from.pageInfo).toEqual({ hasNextPage: true });
  expect((await shows(one)).transitions).toBe(false);
  await resume();
});

test('while a replica holds a lock that it replays, a request waits for it only for a part of its time', async () => {
  const migrating = await lockEverywhere('lives');
  // The replica keeps the lock while its replay is paused.
  await pause();
  await migrating.query('COMMIT');
  await migrating.end();
  const id = await conceive();
  expect(await shows(id)).toMatchObject({ lives: true });
  await resume();
  await untilReplicaIsRead();
});

test('40001: if the replica cancels a read that conflicts with its replay, the primary answers the read', async () => {
  await untilReplicaIsRead();
  const id = await conceive();
  // The read gets as far as its second table, and holds a lock on the first.
  const first = await lockEverywhere('lives');
  const answer = shows(id);
  await until(async () => (await waitingForLocks(replica)) > 0);
  const second = await lockEverywhere('ledger');
  await until(async () => (await waitingForLocks(primary)) > 0);
  await first.end();
  await second.end();
  expect(await answer).toMatchObject({ lives: true });
  const [conflicts] = await replica.administrate(
    `SELECT confl_lock > 0 AS happened FROM pg_stat_database_conflicts WHERE datname = 'lives'`,
  );
  expect(conflicts).toEqual({ happened: true });
  await untilReplicaIsRead();
});

test('while a replica hangs, every request is answered, and the server reads the replica again afterwards', async () => {
  network.silence();
  const id = await conceive();
  const answers = await Promise.all(Array.from({ length: 20 }, async () => shows(id)));
  for (const answer of answers) expect(answer).toEqual(EVERYWHERE);
  network.speak();
  await untilReplicaIsRead();
});

test('while a replica is down, every request is answered, and the server reads the replica again afterwards', async () => {
  const warnings = server.logs.filter(({ level }) => level === 40).length;
  await replica.end('SIGQUIT');
  const id = await conceive();
  expect(await shows(id)).toEqual(EVERYWHERE);
  expect(await shows(id)).toEqual(EVERYWHERE);
  await replica.start();
  await untilReplicaIsRead();
  expect(server.logs.filter(({ level }) => level === 40)).toHaveLength(warnings + 1);
});

test('a server starts without its replica, and reads it once it is up', async () => {
  await server.stop();
  network.refuse();
  server = await startServer({
    DATABASE_URL: databaseOf(primary),
    DATABASE_REPLICA_URL: network.url,
    REQUEST_TIMEOUT_MS: '15000',
  });
  const id = await conceive();
  expect(await shows(id)).toEqual(EVERYWHERE);
  await network.accept();
  await untilReplicaIsRead();
});
