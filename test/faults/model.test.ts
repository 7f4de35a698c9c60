/**
 * Two servers on one database, and thousands of random steps of many clients, while all connections keep failing. The
 * clients record their answers. In the end the database must hold exactly the acknowledged changes, once.
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

/** The number of steps, which determines the duration: some 5 ms a step. */
const STEPS = 2_000;
/** How many clients take steps at the same time. */
const CLIENTS = 24;
/** The average number of steps per life. They concern a few lives at a time, for contention. */
const STEPS_PER_LIFE = 7;
const CONTENDED_LIVES = 6;
/** The servers' request timeout in milliseconds, which is also the length of each outage. */
const TIMEOUT = 700;

/** The Retry-After of admission, in milliseconds. */
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

/** Outages take long, so their number is fixed, and they are spread over all steps. */
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

/** Takes the steps of all clients. */
class Steps {
  readonly clients = new Clients(async (server, document, variables) => {
    const answer = await ask(servers[server] ?? servers[0], document, variables);
    // A refused client waits as long as it is told, because otherwise an outage would use up the steps.
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
        // Cuts the next statement of this kind, whichever client's it is.
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

  /** Cuts one server off from the database, until a request has timed out. */
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

test('every answer is true, whatever fails', async () => {
  const seed = Date.now();
  const steps = new Steps();
  const { clients } = steps;
  try {
    await steps.takeAll(fc.sample(step, { numRuns: STEPS, seed }));

    // All is well again. Each client with an unknown outcome asks once more.
    for (const network of networks) await network.heal();
    const counts = countsOf(clients);
    await resolveAll(clients, () => 0);

    const { rows } = await observer.query<Row>('SELECT * FROM life_transitions');
    expect(liesAmong(clients, rows)).toEqual([]);
    expect(await problemsOf(observer)).toEqual([]);
    // The run was long enough to mean something.
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(3);
    expect(rows.length).toBeGreaterThan(STEPS / STEPS_PER_LIFE);
    expect(clients.looks.length).toBeGreaterThan(STEPS / 50);
    for (const { logs } of servers) {
      expect(logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    }
  } catch (error) {
    throw new Error(`With the steps of seed ${seed}`, { cause: error });
  }
});
