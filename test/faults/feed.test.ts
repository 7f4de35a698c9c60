/**
 * Subscribers of two servers on one database, which keep moving between them. Both servers make changes meanwhile, one
 * of them is killed, and PostgreSQL, or a worker of its cluster, crashes. Each subscriber gets every transition, once and in order.
 */
import fc from 'fast-check';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { type Answer, ask } from '../harness';
import { type CrashableDatabase, startCrashable } from '../harness/crashable';
import { cursorsOf, placeIn } from '../harness/cursors';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { TRANSPORTS } from '../../packages/persistent-machine/test/harness/subscriber';
import { Wanderer, type Place } from './Wanderer';
import { problemsOf } from './integrity';

jest.setTimeout(240_000);

/** The number of lives, each with two or three transitions. */
const LIVES = 2_000;
/** The number of lives at the same time. */
const WRITERS = 24;
/** The most transitions after which a subscriber moves to the other server. */
const LONGEST_STAY = 200;

/** Asks one of the servers until it answers. */
async function insist(
  places: readonly Place[],
  query: string,
  variables: Record<string, unknown>,
): Promise<Answer['data']> {
  for (let attempt = 0; ; attempt += 1) {
    const place = places[(attempt + Math.floor(Math.random() * places.length)) % places.length];
    try {
      const { data, errors } = await ask(place ?? { url: '' }, query, variables);
      if (!errors) return data.outcome;
    } catch {
      // The server is gone, or on its way: the same again, to another.
    }
  }
}

/** Leads a life from conception to death, with keys, so that retries are safe. */
async function live(places: readonly Place[], isBorn: boolean): Promise<void> {
  const id = uuidv7();
  await insist(places, 'mutation ($id: ID!) { outcome: conceive(id: $id) { id } }', { id });
  const step = async (field: string): Promise<void> => {
    const { __typename } = await insist(
      places,
      `mutation ($id: ID!, $key: String!) {
        outcome: ${field}(id: $id, idempotencyKey: $key) { __typename }
      }`,
      { id, key: field },
    );
    expect(__typename).toBe(field === 'birth' ? 'Alive' : 'Dead');
  };
  if (isBorn) await step('birth');
  await step('die');
}

describe.each(['on', 'off'])('with LISTEN=%s', (LISTEN) => {
  let database: CrashableDatabase;
  let owner: Client;
  let servers: [ServerProcess, ServerProcess];

  const connect = async (url: string): Promise<Client> => {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  const start = async (environment: Record<string, string> = {}): Promise<ServerProcess> =>
    startProcess({
      DATABASE_URL: database.url,
      REQUEST_TIMEOUT_MS: '10000',
      LISTEN,
      ...environment,
    });

  beforeAll(async () => {
    database = await startCrashable();
    servers = [await start(), await start()];
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await owner.end();
    await database.stop();
  });

  test('subscribers get every transition, once', async () => {
    const places = servers.map(serverOf);
    const [, { port }] = places.map(({ url }) => new URL(url)) as [URL, URL];
    const [first] = places as [Place, Place];
    const { census } = (await ask(first, '{ census { cursor } }')).data;

    const [stays = []] = fc.sample(
      fc.array(fc.integer({ min: 1, max: LONGEST_STAY }), { minLength: 50, maxLength: 50 }),
      1,
    );
    const wanderers = places.flatMap((_place, index) =>
      TRANSPORTS.map(
        (transport) =>
          new Wanderer(
            index === 0 ? places : [...places].reverse(),
            transport,
            census.cursor,
            stays.map((stay) => 1 + ((stay * (index + 3)) % LONGEST_STAY)),
          ),
      ),
    );
    const wandering = wanderers.map((wanderer) => wanderer.wander());

    let begun = 0;
    const writing = Array.from({ length: WRITERS }, async () => {
      while (begun < LIVES) {
        begun += 1;
        await live(places, begun % 5 > 0);
      }
    });
    const written = async (part: number): Promise<void> => {
      while (begun < LIVES * part) await new Promise((resolve) => setImmediate(resolve));
    };

    await written(0.3);
    servers[1].child.kill('SIGKILL');
    await servers[1].ended;
    servers[1] = await start({ PORT: port });
    await written(0.6);
    await database.crash();
    await Promise.all(writing);

    owner = await connect(database.url);
    const expected = await cursorsOf(owner);
    expect(expected.length).toBeGreaterThan(5_000);
    for (const wanderer of wanderers) {
      while (
        placeIn(wanderer.cursors.at(-1)) !== placeIn(expected.at(-1)) &&
        wanderer.cursors.length < expected.length
      ) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await Promise.all(wanderers.map((wanderer) => wanderer.stop()));
    await Promise.all(wandering);
    for (const { cursors, visits } of wanderers) {
      expect(cursors).toEqual(await cursorsOf(owner, cursors));
      expect(visits).toBeGreaterThan(20);
    }
    expect(await problemsOf(owner)).toEqual([]);
  });
});
