/**
 * An instance that is suspended while it listens over TCP: PostgreSQL soon ends its session, and with it the snapshot
 * that the session holds.
 */
import { randomInt } from 'node:crypto';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { channelOf } from 'persistent-machine/operations/tables';
import { contentsOf } from '../api/store';
import { ask } from '../harness';
import { Cluster } from '../harness/cluster';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import {
  type Subscriber,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';
import { Client } from 'pg';

// Linux gives up the connection after probes of its own, at doubling intervals.
jest.setTimeout(180_000);

const CONCEIVE = 'mutation { conceive { id } }';

let cluster: Cluster;
let instance: ServerProcess;
let subscriber: Subscriber | undefined;

beforeAll(async () => {
  // An address of this machine that no other test's cluster uses.
  const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  cluster = await Cluster.create({ listen_addresses: address });
  await cluster.administrate('CREATE DATABASE lives OWNER owner');
  instance = await startProcess({ DATABASE_URL: `postgresql://owner@${address}/lives` });
});

afterAll(async () => {
  instance.child.kill('SIGCONT');
  await subscriber?.stop();
  await instance.stop();
  await cluster.stop();
});

interface Listener {
  readonly pid: number;
  /** Whether its LISTEN has committed. Before that it gets no notifications. */
  readonly listens: boolean;
  readonly holds: boolean;
}

async function listeners(): Promise<Listener[]> {
  const rows = await cluster.administrate(
    `SELECT pid, query LIKE 'LISTEN %' AND state = 'idle' AS listens, backend_xmin IS NOT NULL AS holds
     FROM pg_stat_activity
     WHERE application_name = 'persistent-state-machine feed'`,
  );
  return rows as Listener[];
}

test('a suspended instance holds up vacuum for no longer than some seconds', async () => {
  await ask(serverOf(instance), CONCEIVE);
  const owner = new Client({ connectionString: cluster.ownerUrl.replace(/postgres$/, 'lives') });
  await owner.connect();
  const before = await contentsOf(owner);
  subscriber = subscribe(
    serverOf(instance),
    'WebSocket',
    'subscription { transitions { version } }',
  );
  await until(async () => (await listeners()).some(({ listens }) => listens));
  const [{ pid }] = (await listeners()) as [Listener];

  instance.child.kill('SIGSTOP');
  // More than the buffers of the connection hold: PostgreSQL waits for the instance to read, and holds a snapshot
  // meanwhile.
  await owner.query(
    `SELECT pg_notify($1, repeat(number::text, 1000))
     FROM generate_series(100000, 104000) AS each (number)`,
    [channelOf('public', 'life_transitions')],
  );
  await until(async () => (await listeners()).some(({ holds }) => holds));
  await until(async () => (await listeners()).length === 0);
  expect(await contentsOf(owner)).toEqual(before);
  await owner.end();

  instance.child.kill('SIGCONT');
  await until(async () => (await listeners()).some((other) => other.pid !== pid));
  // After the suspension the instance may refuse requests as overloaded at first.
  await until(async () => (await ask(serverOf(instance), CONCEIVE)).errors === undefined);
  await subscriber.untilReceived(1);
  expect(subscriber.results).toMatchObject([{ data: { transitions: { version: 1 } } }]);
});
