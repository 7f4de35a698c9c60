/**
 * An asynchronous standby lacks some transitions, and is promoted under a running instance. No subscriber is misled by
 * an acknowledged transition that is lost, whether it stays connected or reconnects.
 */
import { Client } from 'pg';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { type Answer, type TestServer, ask, startServer } from '../harness';
import { Cluster } from '../harness/cluster';
import { cursorsOf } from '../harness/cursors';
import { Proxy } from '../harness/proxy';
import {
  type Subscriber,
  TRANSPORTS,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';

jest.setTimeout(60_000);

const FOLLOW = 'subscription ($after: String) { transitions(after: $after) { cursor } }';
const PAGE =
  'query ($after: String) { transitions(after: $after, first: 100) { nodes { cursor } } }';
const CONCEIVE = 'mutation { conceive { id } }';

let primary: Cluster;
let standby: Cluster;
/** Between the server and the current primary. */
let network: Proxy;
let server: TestServer;
let subscribers: Subscriber[];

beforeAll(async () => {
  primary = await Cluster.create();
  await primary.administrate('CREATE DATABASE lives OWNER owner');
  standby = await primary.replicate();
  network = await Proxy.to(databaseOf(primary));
  server = await startServer({ DATABASE_URL: network.url, REQUEST_TIMEOUT_MS: '5000' });
  subscribers = [];
});

afterAll(async () => {
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  await server.stop();
  await network.stop();
  await standby.stop();
  await primary.stop();
});

function databaseOf(cluster: Cluster): string {
  return cluster.ownerUrl.replace(/postgres$/, 'lives');
}

async function cursorsIn(cluster: Cluster): Promise<string[]> {
  const client = new Client({ connectionString: databaseOf(cluster) });
  await client.connect();
  try {
    return await cursorsOf(client);
  } finally {
    await client.end();
  }
}

const codeOf = ({ errors }: Pick<Answer, 'errors'>): unknown => errors?.[0]?.extensions['code'];

test('every subscriber that has got a lost transition ends with FEED_REWOUND, and pages after it are refused', async () => {
  for (let number = 0; number < 5; number += 1) await ask(server, CONCEIVE);
  const replicated = await cursorsIn(primary);
  await until(async () => (await cursorsIn(standby)).length === replicated.length);
  const followers = TRANSPORTS.map((transport) =>
    subscribe(server, transport, FOLLOW, { after: replicated[0] }),
  );
  subscribers.push(...followers);

  await standby.end('SIGINT');
  for (let number = 0; number < 5; number += 1) await ask(server, CONCEIVE);
  const all = await cursorsIn(primary);
  const lost = all.slice(replicated.length);
  await Promise.all(followers.map((follower) => follower.untilReceived(all.length - 1)));
  await primary.end('SIGQUIT');
  await standby.start();
  await standby.administrate('SELECT pg_promote()');
  network.leadTo(databaseOf(standby));
  await until(async () => codeOf(await ask(server, CONCEIVE)) === undefined);
  for (let number = 0; number < 7; number += 1) await ask(server, CONCEIVE);

  for (const follower of followers) {
    const ending = await follower.ended;
    const errors = ending.by === 'error' ? ending.error : follower.results.at(-1)?.errors;
    expect(errors).toMatchObject([{ extensions: { code: 'FEED_REWOUND' } }]);
  }
  const now = await cursorsIn(standby);
  expect(now.slice(0, replicated.length)).toEqual(replicated);
  for (const after of lost) {
    expect(codeOf(await ask(server, PAGE, { after }))).toBe('FEED_REWOUND');
  }
  const { data } = await ask(server, PAGE, { after: replicated.at(-1) });
  expect(data.transitions.nodes).toEqual(
    now.slice(replicated.length).map((cursor) => ({ cursor })),
  );
  const told = server.logs.filter(({ msg }) => String(msg).startsWith('The history was set back'));
  expect(told).toHaveLength(1);
});
