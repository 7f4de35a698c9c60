/**
 * Two servers on one database, thousands of random steps of many clients at once, and everything between them
 * failing all the time. Clients write down what they are told, and in the end the database must hold exactly
 * that: what was acknowledged, once, and nothing else.
 */
import fc from 'fast-check';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import {
  type Answer,
  type TestDatabase,
  type TestServer,
  ask,
  createTestDatabase,
  startServer,
} from '../harness';
import { type Cut, Proxy } from '../harness/proxy';
import { until } from './Scene';
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

type Change = 'conceive' | 'birth' | 'die';

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

/** What a client was told; when it asked and when it was told, by a clock that ticks with each of these. */
interface Told {
  readonly asked: number;
  readonly told: number;
  readonly as:
    | { readonly kind: 'done'; readonly version: number; readonly phase: string }
    | { readonly kind: 'refused'; readonly by: string; readonly version: number | undefined }
    | { readonly kind: 'failed' }
    | { readonly kind: 'unknown' };
}

/** One thing that a client wants, however often it has to ask. */
interface Wish {
  readonly change: Change;
  readonly id: string;
  /** With what to ask again: the caller's own key, or one that was told with an unknown outcome. */
  retryWith: string | undefined;
  readonly answers: Told[];
}

interface Look {
  readonly id: string;
  readonly asked: number;
  readonly version: number | undefined;
}

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

const DOCUMENTS: Readonly<Record<Change | 'look', string>> = {
  conceive: 'mutation ($id: ID) { outcome: conceive(id: $id) { __typename version } }',
  birth: transitionBy('birth'),
  die: transitionBy('die'),
  look: 'query ($id: ID!) { outcome: life(id: $id) { version } }',
};

function transitionBy(field: string): string {
  return `mutation ($id: ID!, $idempotencyKey: String) {
    outcome: ${field}(id: $id, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Life { version }
      ... on IllegalTransition { life { version } }
    }
  }`;
}

/** Takes steps, and writes down what it is told. */
class Clients {
  readonly wishes: Wish[] = [];
  readonly looks: Look[] = [];
  #clock = 0;
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
    const network = networks[server] ?? networks[0];
    switch (what.kind) {
      case 'change':
        return this.ask(this.#wish(what.change, id, what.keyed), server);
      case 'retry': {
        const wishes = this.wishes.slice(-200).filter(({ retryWith }) => retryWith !== undefined);
        const wish = wishes[what.which % wishes.length];
        return wish && this.ask(wish, server);
      }
      case 'look':
        return this.#look(id, server);
      case 'cut':
        // Whoever sends such a statement next is its victim.
        void network.cut(what.statement, what.cut);
        return;
      case 'terminate':
        await observer.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid % 3 = $1`,
          [what.part],
        );
        return;
      case 'reconnect':
        network.cutAll();
    }
  }

  /** Nobody reaches the database from one of the servers, until somebody has lost patience. */
  async #sufferOutage({ server }: Step, id: string): Promise<void> {
    const network = networks[server] ?? networks[0];
    const cut = CUTS[this.#clock % CUTS.length] ?? 'before the database gets it';
    void network.cut('lives/begin', cut, { thenRefuse: true });
    await this.ask(this.#wish('conceive', uuidv7(), true), server);
    void network.cut('lives/swap', cut, { thenRefuse: true });
    await this.ask(this.#wish('die', id, false), server);
    await network.heal();
  }

  #wish(change: Change, id: string, keyed: boolean): Wish {
    const own = change === 'conceive' ? id : `key ${this.wishes.length}`;
    const retryWith = keyed || change === 'conceive' ? own : undefined;
    const wish: Wish = { change, id, retryWith, answers: [] };
    this.wishes.push(wish);
    return wish;
  }

  async ask(wish: Wish, server: number): Promise<void> {
    const { change, id, retryWith = null } = wish;
    const asked = ++this.#clock;
    const answer = await this.#send(server, DOCUMENTS[change], { id, idempotencyKey: retryWith });
    const as = meaningOf(answer);
    const { idempotencyKey } = answer.errors?.[0]?.extensions ?? {};
    if (as.kind === 'unknown' && change !== 'conceive') {
      // What was given is what comes back.
      if (wish.retryWith !== undefined) expect(idempotencyKey).toBe(wish.retryWith);
      wish.retryWith = String(idempotencyKey);
    }
    wish.answers.push({ asked, told: ++this.#clock, as });
  }

  async #look(id: string, server: number): Promise<void> {
    const asked = ++this.#clock;
    const { data, errors } = await this.#send(server, DOCUMENTS.look, { id });
    if (errors === undefined) this.looks.push({ id, asked, version: data.outcome?.version });
  }

  async #send(server: number, document: string, variables: object): Promise<Answer> {
    return ask(servers[server] ?? servers[0], document, { ...variables });
  }
}

function meaningOf({ data, errors }: Answer): Told['as'] {
  const code = errors?.[0]?.extensions['code'];
  if (code === 'OUTCOME_UNKNOWN') return { kind: 'unknown' };
  if (code === 'OVERLOADED' || code === 'DATABASE_UNAVAILABLE') return { kind: 'failed' };
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  const { __typename: type, version, life } = data.outcome;
  return ['Gestating', 'Alive', 'Dead'].includes(type)
    ? { kind: 'done', version, phase: type }
    : { kind: 'refused', by: type, version: life?.version };
}

interface Row {
  readonly life_id: string;
  readonly version: number;
  readonly event: string;
  readonly state_type: string;
  readonly idempotency_key: string | null;
}

const EVENTS = { conceive: 'Conception', birth: 'Birth', die: 'Death' } as const;

/** The first time that a wish was told to be fulfilled. */
const fulfilmentOf = ({ answers }: Wish): (Told & { as: { kind: 'done' } }) | undefined =>
  answers.find((answer): answer is Told & { as: { kind: 'done' } } => answer.as.kind === 'done');

/** What the clients were told that is not so, as sentences. */
function liesAmong({ wishes, looks }: Clients, rows: readonly Row[]): string[] {
  const lies: string[] = [];
  const rowAt = new Map(rows.map((row) => [`${row.life_id} ${row.version}`, row]));
  const unclaimed = new Set(rowAt.keys());
  /** When somebody was first told of a version of a life. */
  const knownSince: { id: string; version: number; told: number }[] = [];

  for (const wish of wishes) {
    const { change, id, retryWith, answers } = wish;
    const name = `${change} of ${id} with ${retryWith ?? 'no key'}`;
    const fulfilled = fulfilmentOf(wish);
    if (fulfilled) {
      const { version, phase } = fulfilled.as;
      const place = `${id} ${version}`;
      const row = rowAt.get(place);
      knownSince.push({ id, version, told: fulfilled.told });
      if (row?.event !== EVENTS[change] || row.state_type !== phase)
        lies.push(`${name}: not there`);
      if (row?.idempotency_key && row.idempotency_key !== retryWith)
        lies.push(`${name}: other key`);
      // Many may have been told of one conception: its id is its key.
      if (!unclaimed.delete(place) && change !== 'conceive') lies.push(`${name}: told to two`);
    }
    for (const { as, asked } of answers) {
      if (as.kind === 'done' && as.version !== fulfilled?.as.version) {
        lies.push(`${name}: done at two versions`);
      }
      if (as.kind === 'refused' && fulfilled && asked > fulfilled.told) {
        lies.push(`${name}: refused after it was done`);
      }
      if (as.kind === 'refused' && as.by === 'IllegalTransition' && as.version !== undefined) {
        if (!rowAt.has(`${id} ${as.version}`)) lies.push(`${name}: refused by what is not there`);
      }
    }
  }
  for (const place of unclaimed) lies.push(`${place}: nobody was told`);

  const seen = [
    ...looks,
    ...wishes.flatMap(({ id, answers }) =>
      answers.flatMap(({ as, asked }) =>
        as.kind === 'refused' ? [{ id, asked, version: as.version }] : [],
      ),
    ),
  ];
  for (const { id, asked, version = 0 } of seen) {
    const older = knownSince.find(
      (known) => known.id === id && known.told < asked && known.version > version,
    );
    if (older) lies.push(`${id}: seen at ${version} after ${older.version} was known`);
    if (version > 0 && !rowAt.has(`${id} ${version}`)) lies.push(`${id}: seen at no version of it`);
  }
  return lies;
}

test('clients are told the truth, whatever fails', async () => {
  const seed = Date.now();
  const clients = new Clients();
  try {
    await clients.takeAll(fc.sample(step, { numRuns: STEPS, seed }));

    // All is well again, and whoever does not know asks once more.
    for (const network of networks) await network.heal();
    const unresolved = clients.wishes.filter(
      (wish) =>
        fulfilmentOf(wish) === undefined && wish.answers.some(({ as }) => as.kind === 'unknown'),
    );
    const told = (kind: Told['as']['kind']): number =>
      clients.wishes.flatMap(({ answers }) => answers).filter(({ as }) => as.kind === kind).length;
    const numbers = [told('done'), told('refused'), told('failed'), told('unknown')];
    for (const wish of unresolved) {
      await until(async () => {
        await clients.ask(wish, 0);
        return ['done', 'refused'].includes(wish.answers.at(-1)?.as.kind ?? '');
      });
    }

    const { rows } = await observer.query<Row>('SELECT * FROM life_transitions');
    expect(liesAmong(clients, rows)).toEqual([]);
    expect(await problemsOf(observer)).toEqual([]);
    // Enough of everything has happened for that to mean something.
    for (const number of numbers) expect(number).toBeGreaterThan(3);
    expect(rows.length).toBeGreaterThan(STEPS / STEPS_PER_LIFE);
    expect(clients.looks.length).toBeGreaterThan(STEPS / 50);
    for (const { logs } of servers) {
      expect(logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    }
  } catch (error) {
    throw new Error(`With the steps of seed ${seed}`, { cause: error });
  }
}, 60_000);
