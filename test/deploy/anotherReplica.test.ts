/**
 * Wrong databases in DATABASE_URL and DATABASE_REPLICA_URL, on real clusters: another cluster's replica, a database
 * that is no standby, and a standby as the primary. Also a crash of PostgreSQL after an answer.
 */
import { Client } from 'pg';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { type TestServer, ask, startServer } from '../harness';
import { Cluster } from '../harness/cluster';
import { spawnProcess } from '../harness/serverProcess';

jest.setTimeout(120_000);

/** Each cluster has a database `lives`. They differ only in their rows. */
let ours: Cluster;
let ourReplica: Cluster;
let others: Cluster;
let othersReplica: Cluster;
/** Stops what a test has started, the last one first. */
let cleanUps: (() => Promise<unknown>)[];

beforeAll(async () => {
  const install = async (): Promise<Cluster> => {
    // A commit that PostgreSQL does not flush at once stays unflushed for longer than a test.
    const cluster = await Cluster.create({ wal_writer_delay: '10s' });
    await cluster.administrate('CREATE DATABASE lives OWNER owner');
    return cluster;
  };
  ours = await install();
  ourReplica = await ours.replicate();
  others = await install();
  othersReplica = await others.replicate();
});

beforeEach(() => {
  cleanUps = [];
});

afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

afterAll(async () => {
  for (const cluster of [ourReplica, othersReplica, ours, others]) await cluster.stop();
});

/** Runs a statement in the cluster's database `lives`, as a superuser. */
async function administrateLives(cluster: Cluster, statement: string): Promise<void> {
  const client = new Client({
    connectionString: cluster.superuserUrl.replace(/postgres$/, 'lives'),
  });
  await client.connect();
  await client.query(statement);
  await client.end();
}

function databaseOf(cluster: Cluster): string {
  return cluster.ownerUrl.replace(/postgres$/, 'lives');
}

async function start(environment: Record<string, string>): Promise<TestServer> {
  const server = await startServer({ REQUEST_TIMEOUT_MS: '15000', ...environment });
  cleanUps.push(() => server.stop());
  return server;
}

async function conceive(server: TestServer): Promise<string> {
  const { data, errors } = await ask(server, 'mutation { conceive { id } }');
  expect(errors).toBeUndefined();
  return data.conceive.id;
}

async function newestOf(server: TestServer): Promise<unknown> {
  const { data, errors } = await ask(
    server,
    '{ lives(order: NEWEST_FIRST, first: 1) { nodes { id } } }',
  );
  expect(errors).toBeUndefined();
  return data.lives.nodes[0]?.id;
}

function warningsOf(server: TestServer): string[] {
  return server.logs.filter(({ level }) => level === 40).map(({ msg }) => String(msg));
}

/** Asserts that pages show what only the right primary has, and that the log says once why the replica is not read. */
async function expectUnused(replicaUrl: string, told: RegExp): Promise<void> {
  const server = await start({ DATABASE_URL: databaseOf(ours), DATABASE_REPLICA_URL: replicaUrl });
  const id = await conceive(server);
  expect(await newestOf(server)).toBe(id);
  await until(async () => Promise.resolve(warningsOf(server).length > 0));
  // The server checks the replica again after a while. The result is the same, and it does not log that again.
  for (let seconds = 0; seconds < 3; seconds += 1) {
    const another = await conceive(server);
    expect(await newestOf(server)).toBe(another);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  expect(warningsOf(server)).toEqual([expect.stringMatching(told)]);
}

async function fill(cluster: Cluster): Promise<string> {
  const server = await start({ DATABASE_URL: databaseOf(cluster) });
  const id = await conceive(server);
  await server.stop();
  cleanUps.pop();
  return id;
}

test.each([true, false])(
  'a server does not read the replica of another database, whether it may read the system identifier (%s) or not',
  async (canBeSeen) => {
    await fill(others);
    await fill(ours);
    if (!canBeSeen) {
      for (const cluster of [ours, others]) {
        await administrateLives(
          cluster,
          'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC',
        );
      }
    }
    await expectUnused(databaseOf(othersReplica), /replica of another database|recognized/);

    // It reads its own replica, which shows an older state while its replay is paused.
    const server = await start({
      DATABASE_URL: databaseOf(ours),
      DATABASE_REPLICA_URL: databaseOf(ourReplica),
    });
    await ourReplica.administrate('SELECT pg_wal_replay_pause()');
    await until(async () => {
      const id = await conceive(server);
      return (await newestOf(server)) !== id;
    });
    await ourReplica.administrate('SELECT pg_wal_replay_resume()');
    expect(warningsOf(server)).toEqual([]);
  },
);

test('a server does not read a replica that is no standby', async () => {
  await fill(others);
  await expectUnused(databaseOf(others), /not a standby/);
  await expectUnused(databaseOf(ours), /not a standby/);
});

test('a server whose primary is a standby waits, and can be stopped', async () => {
  await fill(ours);
  const starting = spawnProcess({ DATABASE_URL: databaseOf(ourReplica) });
  cleanUps.push(() => starting.stop());
  while (!starting.logs.some(({ msg }) => String(msg).includes('it is a standby'))) {
    expect(starting.child.exitCode).toBeNull();
    await new Promise((resolve) => setImmediate(resolve));
  }
  starting.child.kill('SIGTERM');
  expect(await starting.ended).toEqual({ code: 0, complaint: '' });
});

test('an acknowledged change survives a crash, even if the role has synchronous_commit = off', async () => {
  await others.administrate('ALTER ROLE owner SET synchronous_commit = off');
  const server = await start({ DATABASE_URL: databaseOf(others) });
  const bystander = await conceive(server);
  const id = await conceive(server);
  const birth = 'mutation ($id: ID!) { birth(id: $id) { __typename } }';
  expect((await ask(server, birth, { id })).data.birth.__typename).toBe('Alive');
  await others.end('SIGQUIT');
  await others.start();
  const phaseOf = async (each: string): Promise<unknown> => {
    const { data } = await ask(server, `{ life(id: "${each}") { phase } }`);
    return data?.life?.phase;
  };
  await until(async () => (await phaseOf(bystander)) !== undefined);
  expect([await phaseOf(id), await phaseOf(bystander)]).toEqual(['ALIVE', 'GESTATING']);
});
