/**
 * The recipes follow the feed of a server that is killed and restarted, while another server and the recipes themselves
 * change lives. They also follow a server that stays up while only the connection is lost. Each recipe gets every
 * transition, once and in order.
 */
import { Client } from 'pg';
import type { Life, Lives, Refusal } from '../../examples/clients/lives';
import { Bystanders } from '../api/Bystanders';
import { dataOf } from '../api/client';
import { livingIn } from '../api/lives';
import { type TestDatabase, type TestServer, createTestDatabase, startServer } from '../harness';
import { cursorsOf } from '../harness/cursors';
import { Proxy } from '../harness/proxy';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { RECIPES, until } from './recipes';

jest.setTimeout(240_000);

/** How long a consumer may take to reconnect and catch up, in milliseconds. */
const PATIENCE = 120_000;

let database: TestDatabase;
let owner: Client;
/** A server that stays up when the other one is killed. */
let steady: TestServer;
let mortal: ServerProcess;
let bystanders: Bystanders;
/** What each recipe has received, and which births it has made. */
const consumers = RECIPES.map(({ name, connect }) => ({
  name,
  connect,
  cursors: [] as string[],
  births: [] as (Life | Refusal)[],
}));
const following = new AbortController();
let followed: readonly Promise<void>[] = [];
let clients: readonly Lives[] = [];
let expected: readonly string[];

beforeAll(async () => {
  // Relay warns about each life whose type changes. The tests of the views check all other warnings.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  steady = await startServer({ DATABASE_URL: database.url });
  mortal = await startProcess({ DATABASE_URL: database.url });
  bystanders = await Bystanders.of({ ...steady, database });
  const { url } = serverOf(mortal);
  const { census } = await dataOf(steady, '{ census { cursor } }');
  clients = consumers.map(({ connect }) => connect(`${url}/graphql`));
  followed = consumers.map(async ({ cursors }, index) =>
    clients[index]?.follow(
      census.cursor,
      ({ cursor }) => {
        cursors.push(cursor);
      },
      following.signal,
    ),
  );

  const written = new AbortController();
  const writing = (async () => {
    while (!written.signal.aborted) await livingIn(steady, 'Dead');
  })();
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const before = consumers.map(({ cursors }) => cursors.length);
    await until(
      () => consumers.every(({ cursors }, index) => cursors.length > Number(before[index]) + 3),
      PATIENCE,
    );
    mortal.child.kill(signal);
    await mortal.ended;
    const births = consumers.map(async ({ births }, index) => {
      const birth = await clients[index]?.birth(await livingIn(steady, 'Gestating'));
      if (birth) births.push(birth);
    });
    await livingIn(steady, 'Alive');
    mortal = await startProcess({ DATABASE_URL: database.url, PORT: new URL(url).port });
    await Promise.all(births);
  }
  written.abort();
  await writing;
  await livingIn(steady, 'Alive');

  expected = await recordedAfter(census.cursor);
  await until(() => consumers.every(({ cursors }) => cursors.at(-1) === expected.at(-1)), PATIENCE);
});

afterAll(async () => {
  following.abort();
  await Promise.all(followed);
  await Promise.all(clients.map((client) => client.close()));
  await bystanders.expectUnchanged();
  await bystanders.leave();
  await owner.end();
  await mortal.stop();
  await steady.stop();
  await database.drop();
  jest.restoreAllMocks();
});

/** The cursors of all transitions in the table after a cursor. */
async function recordedAfter(after: string): Promise<readonly string[]> {
  const all = await cursorsOf(owner);
  return all.slice(all.indexOf(after) + 1);
}

describe.each(consumers)('$name', ({ cursors, births }) => {
  test('got every transition before, during and after both restarts, once and in order', () => {
    expect(expected.length).toBeGreaterThan(20);
    expect(cursors).toEqual(expected);
  });

  test('has its births, although the server was down when it asked for them', () => {
    expect(births).toMatchObject([
      { __typename: 'Alive', version: 2 },
      { __typename: 'Alive', version: 2 },
    ]);
  });
});

test.each(RECIPES)(
  '$name continues from its cursor if only the connection is lost, which its library could reconnect by itself',
  async ({ connect }) => {
    const network = await Proxy.to(steady.url);
    const lives = connect(`${network.url}graphql`);
    const { census } = await dataOf(steady, '{ census { cursor } }');
    const cursors: string[] = [];
    const enough = new AbortController();
    const told = lives.follow(census.cursor, ({ cursor }) => cursors.push(cursor), enough.signal);
    await livingIn(steady, 'Dead');
    await until(() => cursors.length > 0);
    network.cutAll();
    await livingIn(steady, 'Dead');
    const recorded = await recordedAfter(census.cursor);
    await until(() => cursors.at(-1) === recorded.at(-1));
    expect(cursors).toEqual(recorded);
    enough.abort();
    await told;
    await lives.close();
    await network.stop();
  },
);

test.each(RECIPES)(
  '$name gives a second follower from the same cursor what the first one has already had',
  async ({ connect }) => {
    const lives = connect(`${steady.url}/graphql`);
    const { census } = await dataOf(steady, '{ census { cursor } }');
    await livingIn(steady, 'Dead');
    const recorded = await recordedAfter(census.cursor);
    const enough = new AbortController();
    const followed: Promise<void>[] = [];
    try {
      for (let followers = 0; followers < 2; followers += 1) {
        const cursors: string[] = [];
        const deal = ({ cursor }: { readonly cursor: string }): unknown => cursors.push(cursor);
        followed.push(lives.follow(census.cursor, deal, enough.signal));
        await until(() => cursors.at(-1) === recorded.at(-1));
        expect(cursors).toEqual(recorded);
      }
    } finally {
      enough.abort();
      await Promise.all(followed);
      await lives.close();
    }
  },
);
