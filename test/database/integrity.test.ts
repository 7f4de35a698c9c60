/**
 * What PostgreSQL itself refuses, whoever asks: every way we know in which raw SQL of the tables' owner
 * could bring row, history and ledger into disagreement. And what it must accept: a legal change by hand.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Client, type Connection, DatabaseError, Query } from 'pg';
import { uuidv7 } from 'uuidv7';
import { phaseOf, lives } from '../../src/machine';
import { type Contents, type TestStore, conceive, contentsOf, createStore } from '../harness';
import { refusals } from './attempts';
import {
  alive,
  BEFORE,
  birth,
  born,
  bystanders,
  conceived,
  conception,
  dead,
  death,
  died,
  gestating,
  ledgerMoves,
  NEXT_POSITION,
  nobody,
  POSITION_BEFORE,
  recorded,
  stillborn,
  withoutLedger,
} from './changesByHand';

/** All ways in which the tables can be in disagreement, of which there must be none. */
const DISAGREEMENTS = `
WITH steps AS (
  SELECT *, lag(version, 1, 0) OVER past AS last_version, lag(state_type) OVER past AS last_state,
         lag(position, 1, 0::bigint) OVER past AS last_position,
         lag(occurred_at, 1, created_at) OVER past AS last_occurred_at,
         lead(version) OVER past IS NULL AS is_last
  FROM life_transitions
  WINDOW past AS (PARTITION BY life_id ORDER BY version)
)
SELECT 'a life is not as its last transition left it' AS disagreement, id::text AS of
FROM lives FULL JOIN steps ON life_id = id
WHERE coalesce(is_last, true)
  AND (lives.version, lives.state_type, lives.created_at, lives.updated_at, lives.born_at, lives.died_at)
    IS DISTINCT FROM
      (steps.version, steps.state_type, steps.created_at, steps.updated_at, steps.born_at, steps.died_at)
UNION ALL
SELECT 'a transition does not follow the one before it', life_id::text
FROM steps
WHERE version <> last_version + 1 OR from_state_type IS DISTINCT FROM last_state
  OR position <= last_position OR occurred_at < last_occurred_at OR recorded_at <> updated_at
UNION ALL
SELECT 'the positions are not 1 to the ledger''s', position::text
FROM ledger
WHERE position <> (SELECT count(*) FROM life_transitions)
  OR position <> (SELECT coalesce(max(position), 0) FROM life_transitions)
UNION ALL
SELECT 'the ledger does not count the lives', counts::text
FROM ledger
WHERE '${JSON.stringify(Object.fromEntries(lives.states.map((state) => [state, 0])))}' || counts <> (
  SELECT jsonb_object_agg(state, (SELECT count(*) FROM lives WHERE state_type = state))
  FROM unnest(ARRAY['${lives.states.join("', '")}']) AS state
)`;

let store: TestStore;
/** A session of the tables' owner. */
let owner: Client;
let before: Contents;

async function open(): Promise<void> {
  store = await createStore(() => new Date('2026-01-01T12:00Z'));
  for (const id of bystanders) await conceive(store.lives, id);
  owner = await store.connect();
  const then = { updated_at: BEFORE };
  await commit(owner, [
    ledgerMoves({ Gestating: -3, Alive: 1, Dead: 2 }, 4),
    born(alive, { ...then, born_at: BEFORE }),
    recorded(alive, 'Birth', 'Gestating', { position: '5' }),
    born(dead, { ...then, born_at: BEFORE }),
    recorded(dead, 'Birth', 'Gestating', { position: '6' }),
    died(dead, { ...then, died_at: BEFORE }),
    recorded(dead, 'Death', 'Alive', { position: '7' }),
    died(stillborn, { ...then, died_at: BEFORE }),
    recorded(stillborn, 'Death', 'Gestating', { position: '8' }),
  ]);
}

/** Runs statements in a transaction of their own; deferred constraints are checked at its end. */
async function commit(client: Client, statements: readonly string[]): Promise<void> {
  await client.query('BEGIN');
  try {
    for (const statement of statements) await client.query(statement);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** What is thrown by a promise that must be refused by the database. */
async function refusalOf(attempt: Promise<unknown>): Promise<DatabaseError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

beforeAll(open);
afterAll(async () => store.close());

beforeEach(async () => {
  before = await contentsOf(owner);
});

describe('refused, and without a trace, is', () => {
  afterEach(async () => {
    const after = await contentsOf(owner);
    // What was not refused must not confuse the next attempt.
    if (!isDeepStrictEqual(after, before)) {
      await store.close();
      await open();
    }
    expect(after).toEqual(before);
  });

  describe.each(refusals)('by $by:', ({ code, by, attempts }) => {
    test.each(Object.entries(attempts))('%s', async (_, statements) => {
      const { code: state, message } = await refusalOf(commit(owner, statements));
      expect({ state, message }).toEqual({ state: code, message: expect.stringContaining(by) });
    });
  });

  test('by every constraint: something', async () => {
    const { rows } = await owner.query<{ name: string }>(
      `SELECT conname AS name FROM pg_constraint
       WHERE connamespace = current_schema()::regnamespace AND contype IN ('p', 'u', 'c', 'f')
         AND conrelid = ANY (ARRAY['lives', 'life_transitions', 'ledger']::regclass[])`,
    );
    const those = refusals.map(({ by }) => by);
    expect(rows.map(({ name }) => name).filter((name) => !those.includes(name))).toEqual([]);
  });

  test('a life copied in without its history', async () => {
    const row = [nobody, 1, 'Gestating', '2026-06-01T12:00Z', '2026-06-01T12:00Z', '\\N', '\\N'];
    const refusal = await refusalOf(copy('COPY lives FROM STDIN', `${row.join('\t')}\n`));
    expect(refusal).toMatchObject({ code: '23503', constraint: 'lives_are_recorded' });
  });

  test('a transition copied in ahead of its life', async () => {
    const then = '2026-01-01T12:00Z';
    const row = [gestating, 2, 'Birth', 'Gestating', 'Alive', then, then, then, then, then, 9];
    const refusal = await refusalOf(
      copy(
        `COPY life_transitions (life_id, version, event, from_state_type, state_type, created_at,
           updated_at, born_at, occurred_at, recorded_at, position) FROM STDIN`,
        `${row.join('\t')}\n`,
      ),
    );
    expect(refusal).toMatchObject({ code: '23000', message: 'a transition differs from its life' });
  });

  test('a session without triggers, but to a superuser', async () => {
    const { rows } = await owner.query<{ superuser: string }>(
      "SELECT current_setting('is_superuser') AS superuser",
    );
    const attempt = commit(owner, ["SET LOCAL session_replication_role = 'replica'"]);
    if (rows[0]?.superuser === 'on') await attempt;
    else expect(await refusalOf(attempt)).toMatchObject({ code: '42501' });
  });
});

describe('between two transactions', () => {
  let observer: Client;
  let rival: Client;
  let id: string;

  beforeEach(async () => {
    [observer, rival] = [await store.connect(), await store.connect()];
    id = uuidv7();
    await commit(owner, conception(id));
  });

  afterEach(async () => {
    await expectAgreement();
    await Promise.all([rival.end(), observer.end()]);
  });

  /** Lets `statements` begin while the rival's are not yet committed, and wait for them. */
  async function race(
    rivals: readonly string[],
    end: 'COMMIT' | 'ROLLBACK',
    statements: readonly string[],
  ): Promise<DatabaseError> {
    await rival.query('BEGIN');
    for (const statement of rivals) await rival.query(statement);
    const refusal = refusalOf(commit(owner, statements));
    await untilSomebodyWaits(observer);
    await rival.query(end);
    return refusal;
  }

  test.each([
    ['READ COMMITTED', '23000', 'a transition does not follow the one before'],
    ['REPEATABLE READ', '40001', 'serialize'],
    ['SERIALIZABLE', '40001', 'serialize'],
  ])('of two births of one life the second is refused (%s)', async (level, code, why) => {
    const refusal = await race(birth(id), 'COMMIT', [
      `SET TRANSACTION ISOLATION LEVEL ${level}`,
      'SELECT FROM lives',
      ...birth(id),
    ]);
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(why);
  });

  const unannounced = withoutLedger(death(alive, {}, NEXT_POSITION));

  test('a position that somebody else commits is taken', async () => {
    const refusal = await race(birth(id), 'COMMIT', unannounced);
    expect(refusal).toMatchObject({ code: '23505', constraint: 'life_transitions_position_key' });
  });

  test('a position that somebody else takes back is beyond the ledger', async () => {
    const refusal = await race(birth(id), 'ROLLBACK', unannounced);
    expect(refusal).toMatchObject({ code: '23000', message: 'a transition is beyond the ledger' });
  });

  test('the ledger does not move to where somebody else has moved it', async () => {
    const [{ position, counts }] = before.ledger as [{ position: string; counts: object }];
    const refusal = await race(birth(id), 'COMMIT', [
      `UPDATE ledger SET position = ${Number(position) + 2}, counts = '${JSON.stringify(counts)}'`,
      ...withoutLedger(death(alive)),
    ]);
    expect(refusal).toMatchObject({ code: '23505', constraint: 'life_transitions_position_key' });
  });
});

describe('accepted is', () => {
  afterEach(expectAgreement);

  const historyOf = async (id: string): Promise<string[]> => {
    const { rows } = await owner.query<{ event: string }>(
      'SELECT event FROM life_transitions WHERE life_id = $1 ORDER BY version',
      [id],
    );
    return rows.map(({ event }) => event);
  };

  test('a change by hand, which moves the ledger, changes the life and records its transition', async () => {
    const id = uuidv7();
    await commit(owner, conception(id));
    expect(await historyOf(id)).toEqual(['Conception']);
    await commit(owner, birth(id));
    expect(await historyOf(id)).toEqual(['Conception', 'Birth']);
    await commit(owner, death(id));
    expect(await historyOf(id)).toEqual(['Conception', 'Birth', 'Death']);
  });

  test('a whole life in one transaction', async () => {
    const id = uuidv7();
    await commit(owner, [...conception(id), ...birth(id), ...death(id)]);
    expect(await historyOf(id)).toEqual(['Conception', 'Birth', 'Death']);
  });

  test('a whole life by one move of the ledger', async () => {
    const id = uuidv7();
    await commit(owner, [
      ledgerMoves({ Dead: 1 }, 3),
      ...withoutLedger(conception(id, {}, { position: '(SELECT position - 2 FROM ledger)' })),
      ...withoutLedger(birth(id, {}, POSITION_BEFORE)),
      ...withoutLedger(death(id)),
    ]);
    expect(await historyOf(id)).toEqual(['Conception', 'Birth', 'Death']);
  });

  test('changes of several lives by one move of the ledger, in any order', async () => {
    const [first, second, third] = [uuidv7(), uuidv7(), uuidv7()];
    await commit(owner, [...conception(first), ...conception(second)]);
    const key = "'a key is for one life'";
    await commit(owner, [
      ledgerMoves({ Gestating: -1, Alive: 1, Dead: 1 }, 3),
      born(second),
      conceived(third),
      died(first),
      recorded(first, 'Death', 'Gestating', { idempotency_key: key }),
      recorded(third, 'Conception', null, { position: '(SELECT position - 2 FROM ledger)' }),
      recorded(second, 'Birth', 'Gestating', { ...POSITION_BEFORE, idempotency_key: key }),
    ]);
    expect(await historyOf(first)).toEqual(['Conception', 'Death']);
    expect(await historyOf(second)).toEqual(['Conception', 'Birth']);
    expect(await historyOf(third)).toEqual(['Conception']);
  });

  test('what is left of a transaction that went back to a savepoint', async () => {
    const id = uuidv7();
    await commit(owner, [
      ...conception(id),
      'SAVEPOINT conceived',
      ...birth(id),
      'ROLLBACK TO conceived',
    ]);
    expect(await historyOf(id)).toEqual(['Conception']);
  });

  test('a change that is checked before its end', async () => {
    const id = uuidv7();
    await commit(owner, [...conception(id), 'SET CONSTRAINTS ALL IMMEDIATE']);
    expect(await historyOf(id)).toEqual(['Conception']);
  });
});

describe('the machine and the database say the same of', () => {
  const states = [...lives.states, 'Unborn'];
  const time = (digit: number): Date => new Date(`2026-01-0${digit}T12:00Z`);

  /** The condition of a CHECK; a null is as good as true to it. */
  const conditionOf = async (constraint: string): Promise<string> => {
    const { rows } = await owner.query<{ condition: string }>(
      `SELECT format('(%s) IS NOT FALSE', pg_get_expr(conbin, conrelid)) AS condition
       FROM pg_constraint WHERE conname = $1`,
      [constraint],
    );
    return rows[0]?.condition ?? `There is no ${constraint}.`;
  };

  test('which event leads from which state to which', async () => {
    const condition = await conditionOf('life_transitions_are_legal');
    const { rows } = await owner.query<{ edge: string }>(
      `SELECT concat_ws(' ', coalesce(from_state_type, '[*]'), event, state_type) AS edge
       FROM unnest($1::text[]) AS a (from_state_type), unnest($2::text[]) AS b (event),
            unnest($3::text[]) AS c (state_type)
       WHERE ${condition}`,
      [[null, ...states], [...lives.events, 'Rebirth'], states],
    );
    expect(new Set(rows.map(({ edge }) => edge))).toEqual(
      new Set(lives.edges.map(({ event, from, to }) => `${from ?? '[*]'} ${event} ${to}`)),
    );
  });

  test('which timestamps a state has', async () => {
    const condition = await conditionOf('lives_state_agrees_with_timestamps');
    for (const stateType of states) {
      for (const bornAt of [null, time(2)]) {
        for (const diedAt of [null, time(3)]) {
          const { rows } = await owner.query(
            `SELECT ${condition} AS accepted
             FROM (VALUES ($1::text, $2::timestamptz, $3::timestamptz))
               AS life (state_type, born_at, died_at)`,
            [stateType, bornAt, diedAt],
          );
          const record = { stateType, bornAt, diedAt };
          expect({ ...record, accepted: isPhase(record) }).toEqual({ ...record, ...rows[0] });
        }
      }
    }
  });

  test('when a transition occurred', async () => {
    const condition = await conditionOf('life_transitions_occurred_as_the_life_says');
    for (const { event, to: stateType } of lives.edges) {
      const bornAt = stateType === 'Gestating' ? null : time(2);
      const diedAt = stateType === 'Dead' ? time(3) : null;
      const phase = phaseOf({ ...base, stateType, bornAt, diedAt });
      const { rows } = await owner.query<{ at: Date }>(
        `SELECT occurred_at AS at
         FROM unnest(ARRAY[$2, $3, $4]::timestamptz[]) AS times (occurred_at),
              (VALUES ($1::text, $2::timestamptz, $3::timestamptz, $4::timestamptz))
                AS transition (event, created_at, born_at, died_at)
         WHERE occurred_at IS NOT NULL AND ${condition}`,
        [event, base.createdAt, bornAt, diedAt],
      );
      expect(rows).toEqual([{ at: phase.occurredAt }]);
    }
  });

  const base = { id: nobody, version: 1, createdAt: time(1), updatedAt: time(4) };

  function isPhase(record: {
    stateType: string;
    bornAt: Date | null;
    diedAt: Date | null;
  }): boolean {
    try {
      phaseOf({ ...base, ...record });
      return true;
    } catch {
      return false;
    }
  }
});

/** Of all that the tables hold, what is of the bystanders. */
function ofBystanders({ lives, transitions }: Contents): object[] {
  return [
    ...lives.filter((life) => bystanders.includes(String(Reflect.get(life, 'id')))),
    ...transitions.filter((row) => bystanders.includes(String(Reflect.get(row, 'life_id')))),
  ];
}

/** Whatever was tried: row, history and ledger agree, and the bystanders are as they were. */
async function expectAgreement(): Promise<void> {
  expect((await owner.query(DISAGREEMENTS)).rows).toEqual([]);
  expect(ofBystanders(await contentsOf(owner))).toEqual(ofBystanders(before));
}

/** Waits, by asking the database, until a session of this database waits for another. */
async function untilSomebodyWaits(observer: Client): Promise<void> {
  for (;;) {
    const { rows } = await observer.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
}

/** `COPY … FROM STDIN`, by which dumps are restored. */
async function copy(text: string, data: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const query = new Copy(text, data).on('error', reject).on('end', () => {
      resolve();
    });
    owner.query(query);
  });
}

class Copy extends Query {
  readonly #data: string;

  constructor(text: string, data: string) {
    super(text);
    this.#data = data;
  }

  /** What node-postgres calls when the database is ready for the data; its types leave it out. */
  handleCopyInResponse(connection: Connection & CopyConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.#data));
    connection.endCopyFrom();
  }
}

/** The part of a connection that node-postgres' types leave out. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}
