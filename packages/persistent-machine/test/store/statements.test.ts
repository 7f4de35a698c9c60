/**
 * Tests the statements on a real PostgreSQL: with concurrent writers, where no change, count, position or winner may be
 * lost, and on a large table, of which each statement may read only a little.
 */
import fc from 'fast-check';
import { Client } from 'pg';
import { LockNotAvailable, failureOf } from '../../src/database/failures';
import { type MachineRecord, Refusal } from '../../src/machine';
import type { Group, Operation, Query } from '../../src/operations/Operation';
import { begin } from '../../src/operations/begin';
import type { Change } from '../../src/operations/change';
import { find } from '../../src/operations/find';
import type { Key, PageRequest } from '../../src/operations/page';
import type { ClaimedPlace } from '../../src/operations/place';
import { swap } from '../../src/operations/swap';
import { run } from '../../src/store/Lanes';
import { type DoorPhase, doors } from '../machine/door';
import { type Instance as InstanceOf, KeptMachines, anonymous, newId } from './KeptMachines';

type Instance = InstanceOf<typeof doors>;
type Event = 'Opening' | 'Closing' | 'Locking';
type Scalar = string | number | null;

let kept: KeptMachines<typeof doors>;
/** A session of the tables' owner. */
let owner: Client;
let instances: readonly [Instance, Instance, Instance];

async function open(): Promise<void> {
  kept = await KeptMachines.of(doors, { poolSize: 4, statementTimeout: 20_000, timeout: 20_000 });
  owner = kept.session;
  instances = [kept, await kept.neighbour(), await kept.neighbour()];
}

async function close(): Promise<void> {
  await kept.close();
}

/** The change of a door by an event, with `actor` as its actor; undefined where the event is illegal. */
function changeOf(phase: DoorPhase, event: Event, actor: string): Change | undefined {
  const next = doors.step(event)(phase, {}, { now: new Date() });
  return next instanceof Refusal
    ? undefined
    : { ...commonOf(next, actor), event, from: phase.stateType };
}

function installationOf(id: string, actor: string): Change {
  const phase = doors.begin(id, {}, new Date());
  return { ...commonOf(phase, actor), event: 'Installation', from: null };
}

/** The query that an operation sends for some questions; without any, a statement that does nothing. */
function queryOf<Question>(
  { query }: Operation<Question, unknown, never>,
  questions: readonly Question[],
): Query {
  return query(questions as Group<Question>);
}

function commonOf(
  { state: record, occurredAt }: DoorPhase,
  actor: string,
): Omit<Change, 'event' | 'from'> {
  return { partition: 0, record, data: null, occurredAt, actor, idempotencyKey: null, token: null };
}

describe('with concurrent writers', () => {
  /** A session of a writer, beside the owner's. */
  let client: Client;
  /** The id of a door that no writer changes. */
  const bystander = newId();
  let before: Awaited<ReturnType<typeof kept.contents>>;

  beforeEach(async () => {
    await open();
    client = new Client({ connectionString: kept.url });
    await client.connect();
    await kept.store.begin(bystander, {}, anonymous);
    before = await kept.contents();
  });

  afterEach(async () => {
    const after = await kept.contents();
    expect(after.records).toEqual(expect.arrayContaining([...before.records]));
    expect(after.history).toEqual(expect.arrayContaining([...before.history]));
    await client.end();
    await close();
  });

  const SEED = 42;
  const ROUNDS = 16;
  const WINDOW = 64;
  const STEP = 16;
  const everyMember = [...Array(WINDOW).keys()];

  /** What a writer does next: to which doors, and in which order. */
  interface Round {
    /** The number of the door at which the round's window begins. */
    readonly first: number;
    /** The doors of the window, by their number in it. */
    readonly members: readonly number[];
    readonly event: Event;
    /** How a writer ends its transaction, if it ends it itself. */
    readonly end: 'COMMIT' | 'ROLLBACK';
  }

  /** The windows move over the doors together, so that all writers contend for new doors. */
  const roundsOf = (writer: number): Round[] =>
    fc
      .sample(
        fc.record<Round>({
          first: fc.nat(STEP),
          members: fc.shuffledSubarray(everyMember, { minLength: WINDOW / 2 }),
          event: fc.constantFrom('Opening', 'Closing', 'Locking'),
          end: fc.constantFrom('COMMIT', 'ROLLBACK'),
        }),
        { seed: SEED + writer, numRuns: ROUNDS },
      )
      .map((round, index) => ({ ...round, first: round.first + index * STEP }));

  /** A change that a writer was told is recorded; `actor` tells it from all others that were tried. */
  interface Claim {
    readonly id: string;
    readonly version: number;
    readonly actor: string | null;
  }

  /** Commits a group of changes, and returns the applied ones. */
  type Commit = (query: Query) => Promise<Pick<Claim, 'id' | 'version'>[]>;

  const ids = Array.from({ length: STEP * ROUNDS + WINDOW }, () => newId());
  let tried = 0;

  /** Reads a group of doors, and changes each from the state that it has read, even if another writer was faster. */
  async function changeGroup(
    { database: reading, tables }: Instance,
    { first, members, event }: Round,
    commit: Commit,
  ): Promise<Claim[]> {
    const group = members.flatMap((member) => ids[first + member] ?? []);
    const { statement, values } = queryOf(find(tables), group);
    const records = await reading.run<MachineRecord>(statement, values);
    const phases = new Map(records.map((record) => [record.id, doors.phaseOf(record)]));

    const begins = group
      .filter((id) => !phases.has(id))
      .map((id) => installationOf(id, `try ${(tried += 1)}`));
    const swaps = group.flatMap((id) => {
      const phase = phases.get(id);
      if (phase === undefined) return [];
      const change = changeOf(phase, event, `try ${(tried += 1)}`);
      // A repetition of the door's last change goes along with the new one, and must not be applied.
      return change ? [{ ...change, record: phase.state, actor: 'again' }, change] : [];
    });

    const claims: Claim[] = [];
    for (const [operation, changes] of [
      [begin(tables), begins],
      [swap(tables), swaps],
    ] as const) {
      if (changes.length === 0) continue;
      const applied = await commit(queryOf(operation, changes));
      for (const { id, version } of applied) {
        const change = changes.find(({ record }) => record.id === id && record.version === version);
        claims.push({ id, version, actor: change?.actor ?? 'no writer asked for this' });
      }
    }
    return claims;
  }

  /** Makes a round of changes, and returns the ones that it was told are recorded. */
  type Writer = (round: Round) => Promise<Claim[]>;

  /** Sends a group again that has waited too long for an id that another group inserts. */
  const retrying =
    (commit: Commit): Commit =>
    async (query) => {
      for (;;) {
        try {
          return await commit(query);
        } catch (error) {
          if (!(error instanceof LockNotAvailable)) throw error;
        }
      }
    };

  /** Makes each statement a transaction of its own. */
  const committing =
    (instance: Instance): Writer =>
    async (round) =>
      changeGroup(
        instance,
        round,
        retrying(async ({ statement, values }) => instance.database.run(statement, values)),
      );

  /** Rolls back some of its transactions. */
  const rollingBack =
    (instance: Instance, client: Client): Writer =>
    async (round) =>
      changeGroup(
        instance,
        round,
        retrying(async ({ statement: { text }, values }) => {
          await client.query('BEGIN');
          try {
            const { rows } = await client.query<Claim>(text, [...values]);
            await client.query(round.end);
            return round.end === 'COMMIT' ? rows : [];
          } catch (error) {
            await client.query('ROLLBACK');
            throw failureOf(error);
          }
        }),
      );

  /** Goes through the store, which loads the record again when it has lost a swap. */
  const throughStore =
    ({ store }: Instance): Writer =>
    async ({ first, members, event }) => {
      const claims = members.map(async (member): Promise<Claim[]> => {
        const id = ids[first + member] ?? '';
        const actor = `try ${(tried += 1)}`;
        const outcome = await store.transition(id, event, {}, { actor });
        return outcome instanceof Refusal ? [] : [{ id, version: outcome.state.version, actor }];
      });
      return (await Promise.all(claims)).flat();
    };

  /** Runs all writers at once, round after round. */
  async function runAll(writers: readonly Writer[]): Promise<Claim[]> {
    const plans = writers.map((writer, index) => ({ writer, rounds: roundsOf(index) }));
    const claims: Claim[] = [];
    for (let index = 0; index < ROUNDS; index += 1) {
      const outcomes = await Promise.allSettled(
        plans.map(async ({ writer, rounds }) => {
          const round = rounds[index];
          return round ? writer(round) : [];
        }),
      );
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') throw outcome.reason;
        claims.push(...outcome.value);
      }
    }
    return claims;
  }

  /** Reads the tables again and again until the end, and checks that each snapshot agrees with itself. */
  async function watch(end: Promise<unknown>): Promise<void> {
    const over = end.then(
      () => true,
      () => true,
    );
    do {
      const { rows } = await owner.query(
        `SELECT (SELECT count(*) FROM door_transitions) AS recorded,
                (SELECT max(position) FROM door_transitions) AS last, position,
                (SELECT count(*) FROM doors) AS begun,
                (SELECT sum(value::bigint) FROM jsonb_each_text(counts)) AS counted
         FROM door_ledger`,
      );
      const { recorded, begun } = rows[0];
      expect(rows).toEqual([
        { recorded, last: recorded, position: recorded, begun, counted: begun },
      ]);
    } while (!(await Promise.race([over, Promise.resolve(false)])));
  }

  test('no writer deadlocks, and the answers, the history and the counts agree', async () => {
    const [one, other, third] = instances;
    const running = runAll([
      ...instances.map(committing),
      rollingBack(one, client),
      throughStore(other),
      throughStore(third),
    ]);
    const [claims] = await Promise.all([running, watch(running)]);

    const { rows: recorded } = await owner.query<Claim & { position: string }>(
      `SELECT door_id AS id, version, actor, position FROM door_transitions
       WHERE door_id <> $1 ORDER BY position`,
      [bystander],
    );
    expect(recorded.map(({ position }) => Number(position))).toEqual(
      recorded.map((_, index) => index + 2),
    );
    expect(new Set(claims.map(nameOf))).toEqual(new Set(recorded.map(nameOf)));
    expect(claims).toHaveLength(recorded.length);
    // The writers have contended: more was tried than recorded.
    expect(tried).toBeGreaterThan(2 * recorded.length);

    const { rows: ledger } = await owner.query(
      `SELECT position, counts = (SELECT jsonb_object_agg(state_type, number) FROM (
         SELECT state_type, count(*) AS number FROM doors GROUP BY state_type
       ) AS states) AS counted
       FROM door_ledger`,
    );
    expect(ledger).toEqual([{ position: String(recorded.length + 1), counted: true }]);
    const { rows: strays } = await owner.query(
      `SELECT id FROM doors
       WHERE (version, state_type, created_at, updated_at, moved_at) IS DISTINCT FROM (
         SELECT (version, state_type, created_at, updated_at, moved_at)
         FROM door_transitions WHERE door_id = id ORDER BY version DESC LIMIT 1)`,
    );
    expect(strays).toEqual([]);
  });

  test('of concurrent beginnings of the same ids, in different orders, each id has one', async () => {
    const orders = fc.sample(fc.shuffledSubarray(everyMember, { minLength: WINDOW }), {
      seed: SEED,
      numRuns: 80,
    });
    for (let round = 0; round < 10; round += 1) {
      const fresh = everyMember.map(() => newId());
      const begun = await Promise.all(
        orders.slice(round * 8, round * 8 + 8).map(async (order, writer) => {
          const { database: one, tables } = instances[writer % 2 === 0 ? 0 : 1];
          const changes = order.map((member) =>
            installationOf(fresh[member] ?? '', `writer ${writer}`),
          );
          const commit = retrying(async ({ statement, values }) => one.run(statement, values));
          return commit(queryOf(begin(tables), changes));
        }),
      );
      expect(
        begun
          .flat()
          .map(({ id }) => id)
          .sort(),
      ).toEqual(fresh.sort());
    }
  });

  function nameOf({ id, version, actor }: Claim): string {
    return `${id} ${version} ${actor ?? ''}`;
  }
});

describe('while the tables grow from nothing', () => {
  beforeEach(open);
  afterEach(close);

  test('a group soon scans no table, whenever PostgreSQL made its plans and those of its triggers', async () => {
    const { tables, store } = kept;
    const bystander = await store.begin(newId(), {}, anonymous);
    for (let round = 1; round <= 12; round += 1) {
      const begins = Array.from({ length: 256 }, () => installationOf(newId(), 'joiner'));
      const openings = begins.flatMap(
        ({ record }) => changeOf(doors.phaseOf(record), 'Opening', 'porter') ?? [],
      );
      await owner.query('BEGIN');
      const before = await scans();
      for (const { statement, values } of [
        queryOf(begin(tables), begins),
        queryOf(swap(tables), openings),
      ]) {
        await owner.query({ ...statement, values: [...values] });
      }
      // Runs the checks of a commit.
      await owner.query('SET CONSTRAINTS ALL IMMEDIATE');
      const after = await scans();
      await owner.query('COMMIT');
      // While the tables are smaller, a scan is the cheapest plan.
      if (round > 6) expect({ round, after }).toEqual({ round, after: before });
      if (round === 8) await owner.query('ANALYZE');
    }
    expect(await store.find(bystander.state.id)).toEqual(bystander);
  });
});

/** The most rows that the beginning and the change of a door may look up, in tables, triggers and checks together. */
const ROWS_OF_A_DOOR = 12;

test('a group soon looks up few rows, although PostgreSQL made its first plans for empty tables', async () => {
  const lone = await KeptMachines.of(doors, { poolSize: 1 });
  const { database: session, tables, store } = lone;
  /** The rows that the session has looked up so far. */
  const lookedUp = async (): Promise<number> => {
    const text = 'SELECT sum(idx_tup_fetch)::integer AS rows FROM pg_stat_xact_user_tables';
    const [found] = await session.run<{ rows: number }>({ name: 'looked up', text }, []);
    return found?.rows ?? NaN;
  };
  try {
    const bystander = await store.begin(newId(), {}, anonymous);
    for (let round = 1; round <= 40; round += 1) {
      const begins = Array.from({ length: 64 }, () => installationOf(newId(), 'joiner'));
      const openings = begins.flatMap(
        ({ record }) => changeOf(doors.phaseOf(record), 'Opening', 'porter') ?? [],
      );
      await session.run({ name: 'begin', text: 'BEGIN' }, []);
      const before = await lookedUp();
      await run(begin(tables), session, begins);
      await run(swap(tables), session, openings);
      // Runs the checks of a commit.
      await session.run({ name: 'check', text: 'SET CONSTRAINTS ALL IMMEDIATE' }, []);
      const rows = (await lookedUp()) - before;
      await session.run({ name: 'commit', text: 'COMMIT' }, []);
      if (round > 20) expect(rows).toBeLessThan(begins.length * ROWS_OF_A_DOOR);
    }
    expect(await store.find(bystander.state.id)).toEqual(bystander);
  } finally {
    await lone.close();
  }
});

describe('with 50,000 doors, all of them in one state', () => {
  const DOORS = 50_000;
  const PAGE = 20;
  const GROUP = 256;
  /** How many blocks a page may read; the tables have thousands. */
  const BLOCKS_OF_A_PAGE = 100;
  /** How many blocks a statement may read for each door of its group. */
  const BLOCKS_OF_A_DOOR = 20;

  /** The plans of a statement that runs often, and of one that runs once. */
  const PLANNINGS = ['force_generic_plan', 'force_custom_plan'];

  /** The doors by age. */
  let ids: string[];
  let keys: Key[];

  beforeAll(async () => {
    await open();
    await owner.query(
      `BEGIN;
       UPDATE door_ledger SET position = ${DOORS}, counts = counts || '{"Closed": ${DOORS}}';
       INSERT INTO doors (id, version, state_type, created_at, updated_at)
       SELECT gen_random_uuid(), 1, 'Closed', time, time
       FROM generate_series(1, ${DOORS}) AS number,
            LATERAL (SELECT '2026-01-01Z'::timestamptz + number * interval '1 s' AS time) AS clock;
       INSERT INTO door_transitions (door_id, version, event, state_type, created_at, updated_at,
                                     occurred_at, recorded_at, position)
       SELECT id, version, 'Installation', state_type, created_at, updated_at, created_at, created_at,
              row_number() OVER (ORDER BY created_at)
       FROM doors;
       COMMIT;
       ANALYZE`,
    );
    const { rows } = await owner.query<{ id: string; created_at: Date }>(
      'SELECT id, created_at FROM doors ORDER BY created_at',
    );
    ids = rows.map(({ id }) => id);
    keys = rows.map(({ id, created_at }) => [created_at.toISOString(), id]);
  });

  afterAll(async () => {
    // Every change was rolled back.
    const { rows } = await owner.query('SELECT position FROM door_ledger');
    await close();
    expect(rows).toEqual([{ position: String(DOORS) }]);
  });

  interface Reading {
    readonly name: string;
    /** Our tables that the statement or its triggers read from end to end. */
    readonly scanned: readonly string[];
    /** How many blocks the statement itself read. */
    readonly blocks: number;
  }

  /** Runs a statement with the given kind of plan, rolls it back, and returns what it has read. */
  async function readingOf({ statement, values }: Query, planning: string): Promise<Reading> {
    await owner.query(`BEGIN; SET LOCAL plan_cache_mode = ${planning}`);
    await owner.query(`PREPARE subject AS ${statement.text}`);
    const before = await scans();
    const { rows } = await owner.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE subject ${literals(values)}`,
    );
    // Runs the checks of a commit.
    await owner.query('SET CONSTRAINTS ALL IMMEDIATE');
    const after = await scans();
    await owner.query('ROLLBACK; DEALLOCATE subject');

    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    const [buffers = ''] = /Buffers: shared (.*)/.exec(plan) ?? [];
    const blocks = [...buffers.matchAll(/(?:hit|read)=(\d+)/g)].map(([, number]) => Number(number));
    return {
      name: statement.name,
      scanned: [...after.keys()].filter(
        (table) => after.get(table) !== before.get(table) || plan.includes(`Seq Scan on ${table} `),
      ),
      blocks: blocks.reduce((sum, number) => sum + number, 0),
    };
  }

  /** The values as EXECUTE takes them. */
  function literals(values: readonly unknown[]): string {
    // All that the statements take, in arrays or not.
    const each = (values as readonly (Scalar | readonly Scalar[])[]).map((value) =>
      typeof value === 'object' && value !== null
        ? `'{${value.map((one) => (one === null ? 'NULL' : `"${one}"`)).join(', ')}}'`
        : value === null
          ? 'NULL'
          : `'${value}'`,
    );
    return each.length === 0 ? '' : `(${each.join(', ')})`;
  }

  test.each(PLANNINGS)(
    'a group of 256 begins or changes without reading a table (%s)',
    async (planning) => {
      const { tables, database: reading } = kept;
      const group = ids.slice(1_000, 1_000 + GROUP);
      const { statement, values } = queryOf(find(tables), group);
      const records = await reading.run<MachineRecord>(statement, values);
      const openings = records.flatMap(
        (record) => changeOf(doors.phaseOf(record), 'Opening', 'porter') ?? [],
      );
      const begins = group.map(() => installationOf(newId(), 'joiner'));
      for (const query of [queryOf(begin(tables), begins), queryOf(swap(tables), openings)]) {
        const { scanned, blocks } = await readingOf(query, planning);
        expect(scanned).toEqual([]);
        expect(blocks).toBeLessThan(GROUP * 2 * BLOCKS_OF_A_DOOR);
      }
    },
  );

  /** Every form of page: from either end, with a cursor before it, after it, or both. */
  function pagesBetween<At>(after: At, before: At): PageRequest<At>[] {
    return (['start', 'end'] as const).flatMap((from) =>
      [{}, { after }, { before }, { after, before }].map((cursors) => ({
        from,
        size: PAGE,
        ...cursors,
      })),
    );
  }

  /** Runs an action, and returns its statements that read more than so many blocks, or a table from end to end. */
  async function wasteful(planning: string, limit: number, run: () => unknown): Promise<Reading[]> {
    const { database: remembering } = kept;
    remembering.sent.length = 0;
    await run();
    const readings: Reading[] = [];
    for (const { values, ...statement } of [...remembering.sent]) {
      readings.push(await readingOf({ statement, values }, planning));
    }
    expect(readings).not.toEqual([]);
    return readings.filter(({ scanned, blocks }) => scanned.length > 0 || blocks > limit);
  }

  test.each(PLANNINGS)(
    'a page of all doors reads little more than that page (%s)',
    async (planning) => {
      const { reader } = kept;
      const [early, late] = [keys[DOORS / 2] ?? [], keys[DOORS - PAGE * 2] ?? []];
      expect(
        await wasteful(planning, BLOCKS_OF_A_PAGE, async () => {
          for (const states of [null, doors.states]) {
            for (const page of pagesBetween(early, late)) {
              await reader.machines(states, 'oldestFirst', page);
            }
            for (const page of pagesBetween(late, early)) {
              await reader.machines(states, 'newestFirst', page);
            }
          }
        }),
      ).toEqual([]);
    },
  );

  test.each(PLANNINGS)(
    'a page of the feed reads little more than that page (%s)',
    async (planning) => {
      const { reader } = kept;
      expect(
        await wasteful(planning, BLOCKS_OF_A_PAGE, async () => {
          for (const events of [null, doors.events]) {
            for (const page of pagesBetween(placeAt(DOORS / 2), placeAt(DOORS - PAGE * 2))) {
              await reader.feed(events, page);
            }
          }
        }),
      ).toEqual([]);
    },
  );

  test.each(PLANNINGS)(
    'a group of 256 look-ups reads little more than it finds (%s)',
    async (planning) => {
      const { store, reader } = kept;
      const group = ids.slice(-GROUP);
      const forEach = async (ask: (id: string) => Promise<unknown>): Promise<unknown> =>
        Promise.all(group.map(ask));
      expect(
        await wasteful(planning, GROUP * BLOCKS_OF_A_DOOR, async () => {
          await forEach((id) => store.find(id));
          await forEach((id) =>
            store.transition(
              id,
              'Opening',
              {},
              {
                // Before its installation: it is looked up, and nothing changes.
                occurredAt: new Date(0),
                idempotencyKey: 'once',
                actor: null,
              },
            ),
          );
          await forEach((id) => reader.past(id, { version: 1 }));
          await forEach((id) => reader.past(id, { asOf: new Date() }));
          for (const page of pagesBetween(['1'], ['3'])) {
            await forEach((id) => reader.history(id, page));
          }
          await reader.census();
          await Promise.all(
            group.map(async (_id, ahead) => reader.subscribers.prove(placeAt(DOORS - ahead))),
          );
          await forEach(async (id) => {
            const door = await store.find(id);
            if (door !== null) await reader.subscribers.following(door);
          });
        }),
      ).toEqual([]);
    },
  );
});

function placeAt(position: number): ClaimedPlace {
  return { positions: [String(position)], fingerprint: null, partition: 0 };
}

/** How often each of our tables was read from end to end, for comparison within a transaction of the owner. */
async function scans(): Promise<Map<string, string>> {
  const { rows } = await owner.query<{ name: string; scans: string }>(
    `SELECT relname AS name, seq_scan AS scans FROM pg_stat_xact_user_tables
     WHERE relname IN ('doors', 'door_transitions')`,
  );
  return new Map(rows.map(({ name, scans }) => [name, scans]));
}
