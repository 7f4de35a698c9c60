/**
 * Two servers on one database, thousands of random steps of many clients at once, and everything between them
 * failing all the time. Clients write down what they are told, and in the end the database must hold exactly
 * that: what was acknowledged, once, and nothing else.
 */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import {
  type TestDatabase,
  type TestServer,
  ask,
  createTestDatabase,
  startServer,
} from '../harness';
import { type Cut, Proxy } from '../harness/proxy';
import { type Change, Clients, type Row, countsOf, liesAmong, resolveAll } from './clients';
import { problemsOf } from './integrity';

/** How much is done: the only measure of how long it takes, about 5 ms a step. */
const STEPS = 2_000;
/** How many clients take steps at the same time. */
const CLIENTS = 24;
/** How many steps there are for a life on average; they are about a few lives at a time, which are contended. */
const STEPS_PER_LIFE = 7;
const CONTENDED_LIVES = 6;
/** How long the servers try, in milliseconds: as long as each outage lasts. */
const TIMEOUT = 700;

/** What the door says, in milliseconds. */
const RETRY_AFTER = 1_000;

const CUTS: readonly Cut[] = ['before the database gets it', 'once the database has answered'];
const STATEMENTS = ['lives/swap', 'lives/begin', 'lives/find', 'lives/find-with-key'] as const;

const weighted = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      change: fc.constantFrom<Change>('conceive', 'birth', 'birth', 'die'),
      keyed: fc.boolean(),
    }),
  },
  { weight: 15, arbitrary: fc.record({ kind: fc.constant('retry' as const), which: fc.nat() }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      statement: fc.constantFrom(...STATEMENTS),
      cut: fc.constantFrom(...CUTS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('terminate' as const), part: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reconnect' as const) }) },
);
const step = fc.record({
  what: weighted,
  life: fc.nat(CONTENDED_LIVES - 1),
  server: fc.nat(1),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Outages take their time, so there are just so many, spread over all steps. */
const OUTAGES = 4;

let database: TestDatabase;
let networks: readonly [Proxy, Proxy];
let servers: readonly [TestServer, TestServer];
let observer: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  networks = [await Proxy.to(database.url), await Proxy.to(database.url)];
  const start = async (network: Proxy): Promise<TestServer> =>
    startServer({ DATABASE_URL: network.url, REQUEST_TIMEOUT_MS: String(TIMEOUT) });
  servers = [await start(networks[0]), await start(networks[1])];
  observer = new Client({ connectionString: database.url });
  await observer.connect();
});

afterAll(async () => {
  await observer.end();
  for (const server of servers) await server.stop();
  for (const network of networks) await network.stop();
  await database.drop();
});

/** Takes steps. */
class Steps {
  readonly clients = new Clients(async (server, document, variables) => {
    const answer = await ask(servers[server] ?? servers[0], document, variables);
    // Who is refused at the door stays away for as long as it is told: else an outage would use up the steps.
    if (answer.status === 503) await delay(RETRY_AFTER);
    return answer;
  });
  #outages = 0;
  readonly #ids = Array.from({ length: Math.ceil(STEPS / STEPS_PER_LIFE) + CONTENDED_LIVES }, () =>
    uuidv7(),
  );

  async takeAll(steps: readonly Step[]): Promise<void> {
    let taken = 0;
    const client = async (): Promise<void> => {
      for (let index = taken++; index < steps.length; index = taken++) {
        const next = steps[index];
        if (next === undefined) return;
        const id = this.#ids[Math.floor(index / STEPS_PER_LIFE) + next.life] ?? '';
        const isOutage = index % Math.ceil(STEPS / OUTAGES) === Math.floor(STEPS / OUTAGES / 2);
        await (isOutage ? this.#sufferOutage(next, id) : this.#take(next, id));
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  async #take({ what, server }: Step, id: string): Promise<void> {
    const { clients } = this;
    const network = networks[server] ?? networks[0];
    switch (what.kind) {
      case 'change':
        return clients.ask(clients.wish(what.change, id, what.keyed), server);
      case 'retry': {
        const wishes = clients.wishes
          .slice(-200)
          .filter(({ retryWith }) => retryWith !== undefined);
        const wish = wishes[what.which % wishes.length];
        return wish && clients.ask(wish, server);
      }
      case 'look':
        return clients.look(id, server);
      case 'cut':
        // Whoever sends such a statement next is its victim.
        void network.cut(what.statement, what.cut);
        return;
      case 'terminate':
        await observer.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND usename = current_user -- not autovacuum's
             AND pid <> pg_backend_pid() AND pid % 3 = $1`,
          [what.part],
        );
        return;
      case 'reconnect':
        network.cutAll();
    }
  }

  /** Nobody reaches the database from one of the servers, until somebody has lost patience. */
  async #sufferOutage({ server }: Step, id: string): Promise<void> {
    const { clients } = this;
    const network = networks[server] ?? networks[0];
    const cut = CUTS[(this.#outages += 1) % CUTS.length] ?? 'before the database gets it';
    void network.cut('lives/begin', cut, { thenRefuse: true });
    await clients.ask(clients.wish('conceive', uuidv7(), true), server);
    void network.cut('lives/swap', cut, { thenRefuse: true });
    await clients.ask(clients.wish('die', id, false), server);
    await network.heal();
  }
}

test('clients are told the truth, whatever fails', async () => {
  const seed = Date.now();
  const steps = new Steps();
  const { clients } = steps;
  try {
    await steps.takeAll(fc.sample(step, { numRuns: STEPS, seed }));

    // All is well again, and whoever does not know asks once more.
    for (const network of networks) await network.heal();
    const counts = countsOf(clients);
    await resolveAll(clients, () => 0);

    const { rows } = await observer.query<Row>('SELECT * FROM life_transitions');
    expect(liesAmong(clients, rows)).toEqual([]);
    expect(await problemsOf(observer)).toEqual([]);
    // Enough of everything has happened for that to mean something.
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(3);
    expect(rows.length).toBeGreaterThan(STEPS / STEPS_PER_LIFE);
    expect(clients.looks.length).toBeGreaterThan(STEPS / 50);
    for (const { logs } of servers) {
      expect(logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    }
  } catch (error) {
    throw new Error(`With the steps of seed ${seed}`, { cause: error });
  }
}, 60_000);
