/**
 * What PostgreSQL itself refuses, whoever asks: every way we know in which raw SQL of the tables' owner
 * could bring row, history and ledger into disagreement. And what it must accept: a legal change by hand.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Client, type Connection, DatabaseError, Query } from 'pg';
import { uuidv7 } from 'uuidv7';
import { edgesOf, eventsOf, lifecycle, phaseOf, statesOf } from '../../src/machine';
import { type Contents, type TestStore, conceive, contentsOf, createStore } from '../harness';

// Lives in each phase. Attempts are made on them; no refused one may change any of them.
const gestating = '01990000-0000-7000-8000-000000000001';
const alive = '01990000-0000-7000-8000-000000000002';
const dead = '01990000-0000-7000-8000-000000000003';
const stillborn = '01990000-0000-7000-8000-000000000004';
const bystanders = [gestating, alive, dead, stillborn];
/** Of no life. */
const nobody = '01990000-0000-7000-8000-000000000009';

// Before the bystanders were conceived; when all that happened to them did; when what is tried does.
const LONG_AGO = "'2025-01-01T12:00Z'";
const BEFORE = "'2026-01-01T12:00Z'";
const NOW = "'2026-06-01T12:00Z'";

/** Columns, and for each an SQL expression. */
type Columns = Readonly<Record<string, string>>;

// A change by hand, in its three steps, each of which can be made wrong.

/** By so many positions, and by so many lives in each state. */
function ledgerMoves(lives: Readonly<Record<string, number>>, positions = 1): string {
  const counts = Object.entries(lives).map(
    ([state, number]) => `'${state}', coalesce(counts ->> '${state}', '0')::bigint + ${number}`,
  );
  return `UPDATE ledger SET position = position + ${positions},
          counts = counts || jsonb_build_object(${counts.join(', ')})`;
}

function conceived(id: string, columns: Columns = {}): string {
  const all: Columns = {
    id: `'${id}'`,
    version: '1',
    state_type: "'Gestating'",
    created_at: NOW,
    updated_at: NOW,
    ...columns,
  };
  return `INSERT INTO lives (${Object.keys(all).join(', ')})
          VALUES (${Object.values(all).join(', ')})`;
}

function changed(id: string, columns: Columns = {}): string {
  const all: Columns = { version: 'version + 1', updated_at: NOW, ...columns };
  const assignments = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  return `UPDATE lives SET ${assignments.join(', ')} WHERE id = '${id}'`;
}

function born(id: string, columns: Columns = {}): string {
  return changed(id, { state_type: "'Alive'", born_at: NOW, ...columns });
}

function died(id: string, columns: Columns = {}): string {
  return changed(id, { state_type: "'Dead'", died_at: NOW, ...columns });
}

/** The transition of a life as it is now, at the ledger's last position. */
function recorded(id: string, event: string, from: string | null, columns: Columns = {}): string {
  const all: Columns = {
    life_id: 'id',
    version: 'version',
    event: `'${event}'`,
    from_state_type: from === null ? 'NULL' : `'${from}'`,
    state_type: 'state_type',
    created_at: 'created_at',
    updated_at: 'updated_at',
    born_at: 'born_at',
    died_at: 'died_at',
    occurred_at: 'coalesce(died_at, born_at, created_at)',
    recorded_at: 'updated_at',
    position: '(SELECT position FROM ledger)',
    ...columns,
  };
  return `INSERT INTO life_transitions (${Object.keys(all).join(', ')})
          SELECT ${Object.values(all).join(', ')} FROM lives WHERE id = '${id}'`;
}

// The changes that are legal, where nothing is made wrong: of the life, or of its transition.

const conception = (id: string, life: Columns = {}, transition: Columns = {}): string[] => [
  ledgerMoves({ Gestating: 1 }),
  conceived(id, life),
  recorded(id, 'Conception', null, transition),
];

const birth = (id: string, life: Columns = {}, transition: Columns = {}): string[] => [
  ledgerMoves({ Gestating: -1, Alive: 1 }),
  born(id, life),
  recorded(id, 'Birth', 'Gestating', transition),
];

const death = (id: string, life: Columns = {}, transition: Columns = {}): string[] => [
  ledgerMoves({ Alive: -1, Dead: 1 }),
  died(id, life),
  recorded(id, 'Death', 'Alive', transition),
];

const deathBeforeBirth = (id: string, life: Columns = {}, transition: Columns = {}): string[] => [
  ledgerMoves({ Gestating: -1, Dead: 1 }),
  died(id, life),
  recorded(id, 'Death', 'Gestating', transition),
];

/** For births that say themselves how the ledger moves. */
const withoutLedger = ([, ...others]: string[]): string[] => others;

const LAST_POSITION: Columns = { position: '(SELECT position FROM ledger)' };
const POSITION_BEFORE: Columns = { position: '(SELECT position - 1 FROM ledger)' };
const NEXT_POSITION: Columns = { position: '(SELECT position + 1 FROM ledger)' };

/** What one constraint or trigger refuses, each in a transaction of its own. */
interface Refusals {
  /** The SQLSTATE. */
  readonly code: string;
  /** The constraint's name, or words of the message: the attempt is refused for this and no other reason. */
  readonly by: string;
  readonly attempts: Readonly<Record<string, readonly string[]>>;
}

const refusals: readonly Refusals[] = [
  {
    code: '23503',
    by: 'lives_are_recorded',
    attempts: {
      'a birth with no transition': [born(gestating)],
      'a life inserted with no history': [conceived(nobody)],
      'a life inserted alive with no history': [
        conceived(nobody, { state_type: "'Alive'", born_at: NOW }),
      ],
      'a life changed again after its transition was recorded': [
        ...birth(gestating),
        died(gestating),
      ],
      'a life changed by a merge': [
        `MERGE INTO lives USING (SELECT) AS nothing ON id = '${gestating}'
         WHEN MATCHED THEN UPDATE SET version = version + 1, state_type = 'Alive', born_at = ${NOW}`,
      ],
      'many deaths at once, by what another table says': [
        `UPDATE lives SET version = lives.version + 1, state_type = 'Dead', died_at = ${NOW}
         FROM life_transitions AS history
         WHERE history.life_id = lives.id AND lives.died_at IS NULL`,
      ],
    },
  },
  {
    code: '23505',
    by: 'lives_pkey',
    attempts: { 'a second life with the same id': conception(gestating) },
  },
  {
    code: '23514',
    by: 'lives_state_agrees_with_timestamps',
    attempts: {
      'an unknown state': [changed(gestating, { state_type: "'Unborn'" })],
      'an alive that was never born': birth(gestating, { born_at: 'NULL' }),
      'a dead that never died': death(alive, { died_at: 'NULL' }),
      'a gestating that is conceived with a birthday': conception(nobody, { born_at: NOW }),
    },
  },
  {
    code: '23514',
    by: 'lives_happen_in_order',
    attempts: {
      'a birth before the conception': birth(gestating, { born_at: LONG_AGO }),
      'a death before the birth': death(alive, { died_at: LONG_AGO }),
      'a death before birth, and before the conception': deathBeforeBirth(gestating, {
        died_at: LONG_AGO,
      }),
    },
  },
  {
    code: '23000',
    by: 'a life changes by its next transition only',
    attempts: {
      'a birth without a change of version': birth(gestating, { version: 'version' }),
      'a version that jumps': birth(gestating, { version: 'version + 2' }),
      'a life rewound to version 1': [
        changed(alive, { version: '1', state_type: "'Gestating'", born_at: 'NULL' }),
      ],
      'a life rewound by one version': [
        changed(dead, { version: 'version - 1', state_type: "'Alive'", died_at: 'NULL' }),
      ],
      'a resurrection': [
        ledgerMoves({ Dead: -1, Alive: 1 }),
        changed(dead, { state_type: "'Alive'", died_at: 'NULL' }),
        recorded(dead, 'Birth', 'Dead'),
      ],
      'a birth after the death': [
        ledgerMoves({ Dead: -1, Alive: 1 }),
        born(stillborn, { died_at: 'NULL' }),
        recorded(stillborn, 'Birth', 'Gestating'),
      ],
      'an alive that has died': birth(gestating, { died_at: NOW }),
      'a created_at edited': [`UPDATE lives SET created_at = ${NOW}`],
      'an updated_at edited': [`UPDATE lives SET updated_at = ${NOW}`],
      'a born_at edited': [`UPDATE lives SET born_at = ${NOW} WHERE state_type = 'Alive'`],
      'a died_at edited': [`UPDATE lives SET died_at = ${NOW} WHERE state_type = 'Dead'`],
      'a created_at edited by a death': death(alive, { created_at: LONG_AGO }),
      'a born_at edited by a death': death(alive, { born_at: NOW }),
      'a born_at forgotten by a death': death(alive, { born_at: 'NULL' }),
      'a born_at that a death before birth makes up': deathBeforeBirth(gestating, { born_at: NOW }),
      'an id changed': [`UPDATE lives SET id = '${nobody}' WHERE id = '${gestating}'`],
      'an id changed by a birth': birth(gestating, { id: `'${nobody}'` }),
      'a life overwritten where it conflicts': [
        `${conceived(gestating)} ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at`,
      ],
    },
  },
  {
    code: '23000',
    by: 'a life ends by dying',
    attempts: {
      'a life deleted': [`DELETE FROM lives WHERE id = '${gestating}'`],
      'a life deleted by a merge': [
        `MERGE INTO lives USING (SELECT) AS nothing ON id = '${gestating}'
         WHEN MATCHED THEN DELETE`,
      ],
      'all lives truncated': ['TRUNCATE lives'],
      'all lives truncated with their history': ['TRUNCATE lives, life_transitions, ledger'],
    },
  },
  {
    code: '23000',
    by: 'history is append-only',
    attempts: {
      'a transition edited': ["UPDATE life_transitions SET actor = 'me'"],
      'a transition edited by a merge': [
        `MERGE INTO life_transitions USING (SELECT) AS nothing ON life_id = '${gestating}'
         WHEN MATCHED THEN UPDATE SET actor = 'me'`,
      ],
      'a transition overwritten where it conflicts': [
        `${recorded(alive, 'Birth', 'Gestating')}
         ON CONFLICT (life_id, version) DO UPDATE SET actor = 'me'`,
      ],
      'a transition deleted': ['DELETE FROM life_transitions'],
      'the history truncated with all that refers to it': ['TRUNCATE life_transitions CASCADE'],
    },
  },
  {
    code: '0A000', // feature_not_supported
    by: 'foreign key',
    attempts: { 'the history truncated': ['TRUNCATE life_transitions'] },
  },
  {
    code: '23505',
    by: 'life_transitions_pkey',
    attempts: {
      'a transition recorded twice': [
        ledgerMoves({ Gestating: -2, Alive: 2 }, 2),
        born(gestating),
        recorded(gestating, 'Birth', 'Gestating', POSITION_BEFORE),
        recorded(gestating, 'Birth', 'Gestating', LAST_POSITION),
      ],
    },
  },
  {
    code: '23514',
    by: 'life_transitions_version_is_positive',
    attempts: Object.fromEntries(
      ['0', '-7'].map((version) => [
        `a birth at version ${version}`,
        [
          ledgerMoves({ Alive: 1 }),
          conceived(nobody, { version, state_type: "'Alive'", born_at: NOW }),
          recorded(nobody, 'Birth', 'Gestating'),
        ],
      ]),
    ),
  },
  {
    code: '23514',
    by: 'life_transitions_begin_at_version_1',
    attempts: {
      'a conception at version 0': conception(nobody, { version: '0' }),
      'a conception at version 7': conception(nobody, { version: '7' }),
      'a second conception, from null': [
        ledgerMoves({}),
        changed(gestating),
        recorded(gestating, 'Conception', null),
      ],
    },
  },
  {
    code: '23514',
    by: 'life_transitions_are_legal',
    attempts: {
      'a second death': [
        ledgerMoves({}),
        died(dead, { died_at: 'died_at' }),
        recorded(dead, 'Death', 'Dead'),
      ],
      'a life that begins alive': [
        ledgerMoves({ Alive: 1 }),
        conceived(nobody, { state_type: "'Alive'", born_at: NOW }),
        recorded(nobody, 'Birth', null),
      ],
      'a birth from null': birth(gestating, {}, { from_state_type: 'NULL' }),
      'an event that is not for these states': birth(gestating, {}, { event: "'Death'" }),
      'an unknown event': birth(gestating, {}, { event: "'Rebirth'" }),
    },
  },
  {
    code: '23503',
    by: 'life_transitions_follow_one_another',
    attempts: {
      'a life that begins alive at version 2': [
        ledgerMoves({ Alive: 1 }),
        conceived(nobody, { version: '2', state_type: "'Alive'", born_at: NOW }),
        recorded(nobody, 'Birth', 'Gestating'),
      ],
      'a second conception, from a state with an empty name': [
        ledgerMoves({}),
        changed(gestating),
        recorded(gestating, 'Conception', ''),
      ],
      'a legal event from another state than the one before': [
        ledgerMoves({ Gestating: -1, Dead: 1 }),
        died(gestating),
        recorded(gestating, 'Death', 'Alive'),
      ],
    },
  },
  {
    code: '428C9', // generated_always
    by: 'previous_version',
    attempts: {
      'a previous version of its own choice': birth(gestating, {}, { previous_version: '1' }),
    },
  },
  ...['event', 'state_type', 'position'].map((column) => ({
    code: '23502',
    by: `"${column}"`,
    attempts: {
      [`a transition whose ${column} is null`]: birth(gestating, {}, { [column]: 'NULL' }),
    },
  })),
  {
    code: '23514',
    by: 'life_transitions_occurred_as_the_life_says',
    attempts: { 'an occurred_at of its own': birth(gestating, {}, { occurred_at: BEFORE }) },
  },
  {
    code: '23000',
    by: 'a transition differs from its life',
    attempts: {
      'a transition for no life': [
        ledgerMoves({ Gestating: 1 }),
        recorded(gestating, 'Conception', null, { life_id: `'${nobody}'` }),
      ],
      'a transition ahead of its life': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        recorded(gestating, 'Birth', 'Gestating', {
          version: 'version + 1',
          state_type: "'Alive'",
          born_at: NOW,
          occurred_at: NOW,
        }),
        born(gestating),
      ],
      ...Object.fromEntries(
        Object.entries({
          created_at: { created_at: NOW },
          updated_at: { updated_at: BEFORE, recorded_at: BEFORE },
          born_at: { born_at: BEFORE, occurred_at: BEFORE },
          died_at: { died_at: NOW },
          state: { event: "'Death'", state_type: "'Dead'", died_at: NOW, occurred_at: NOW },
        }).map(([column, columns]) => [
          `a transition with another ${column} than its life`,
          birth(gestating, {}, columns),
        ]),
      ),
      'a life changed twice, and both recorded after': [
        ledgerMoves({ Gestating: -1, Dead: 1 }, 2),
        born(gestating),
        died(gestating),
        recorded(gestating, 'Birth', 'Gestating', {
          ...POSITION_BEFORE,
          version: 'version - 1',
          state_type: "'Alive'",
          died_at: 'NULL',
          occurred_at: 'born_at',
        }),
        recorded(gestating, 'Death', 'Alive'),
      ],
      'a transition inserted by a merge': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        `MERGE INTO life_transitions USING lives ON life_id = id AND life_transitions.version = 2
         WHEN NOT MATCHED AND id = '${gestating}' THEN INSERT
           (life_id, version, event, from_state_type, state_type, created_at, updated_at, born_at,
            occurred_at, recorded_at, position)
           VALUES (id, 2, 'Birth', 'Gestating', 'Alive', created_at, ${NOW}, ${NOW},
                   ${NOW}, ${NOW}, (SELECT position FROM ledger))`,
      ],
      // A temporary table hides ours of the same name from all that does not name the schema.
      'a transition that equals a shadow of its life': [
        'CREATE TEMPORARY TABLE lives ON COMMIT DROP AS SELECT * FROM lives',
        ...birth(gestating),
      ],
    },
  },
  {
    code: '23000',
    by: 'a transition is beyond the ledger',
    attempts: {
      'a transition that the ledger does not know of': withoutLedger(
        birth(gestating, {}, NEXT_POSITION),
      ),
      'a transition recorded before the ledger moves': [
        ...withoutLedger(birth(gestating, {}, NEXT_POSITION)),
        ledgerMoves({ Gestating: -1, Alive: 1 }),
      ],
      'a position far ahead': birth(gestating, {}, { position: '1000000' }),
      'a position that a shadow of the ledger has': [
        'CREATE TEMPORARY TABLE ledger ON COMMIT DROP AS SELECT 1000 AS position',
        ...withoutLedger(birth(gestating)),
      ],
    },
  },
  {
    code: '23505',
    by: 'life_transitions_position_key',
    attempts: { 'a position that is taken': withoutLedger(birth(gestating)) },
  },
  {
    code: '23514',
    by: 'life_transitions_position_is_positive',
    attempts: {
      'a position 0, which no ledger counts': withoutLedger(
        birth(gestating, {}, { position: '0' }),
      ),
      'a position -7': withoutLedger(birth(gestating, {}, { position: '-7' })),
    },
  },
  {
    code: '23000',
    by: 'a life is recorded out of order',
    attempts: {
      'a life that the feed has backwards': [
        ledgerMoves({ Alive: 1 }, 2),
        ...withoutLedger(conception(nobody)),
        ...withoutLedger(birth(nobody, {}, POSITION_BEFORE)),
      ],
      'a life that the feed has backwards, by two moves of the ledger': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        ledgerMoves({ Gestating: 1 }),
        ...withoutLedger(conception(nobody)),
        ...withoutLedger(birth(nobody, {}, POSITION_BEFORE)),
      ],
    },
  },
  {
    code: '23505',
    by: 'life_transitions_idempotency_key',
    attempts: {
      'the same key twice for one life': [
        ...birth(gestating, {}, { idempotency_key: "'once'" }),
        ...death(gestating, {}, { idempotency_key: "'once'" }),
      ],
    },
  },
  {
    code: '23000',
    by: 'it is one row for good',
    attempts: {
      'the ledger deleted': ['DELETE FROM ledger'],
      'the ledger deleted by a merge': [
        'MERGE INTO ledger USING (SELECT) AS nothing ON true WHEN MATCHED THEN DELETE',
      ],
      'the ledger truncated': ['TRUNCATE ledger'],
    },
  },
  {
    code: '23505',
    by: 'ledger_pkey',
    attempts: { 'a second ledger': ["INSERT INTO ledger (position, counts) VALUES (0, '{}')"] },
  },
  {
    code: '23514',
    by: 'ledger_is_one_row',
    attempts: {
      'a second ledger that is not the one': [
        "INSERT INTO ledger (singleton, position, counts) VALUES (false, 0, '{}')",
      ],
      'a ledger that is not the one any more': ['UPDATE ledger SET singleton = false'],
    },
  },
  ...['singleton', 'position', 'counts'].map((column) => ({
    code: '23502',
    by: `"${column}"`,
    attempts: { [`a ledger whose ${column} is null`]: [`UPDATE ledger SET ${column} = NULL`] },
  })),
  {
    code: '23000',
    by: 'the ledger moved',
    attempts: {
      'the ledger moved alone': [ledgerMoves({})],
      'the ledger moved alone with its counts': [ledgerMoves({ Gestating: 1 })],
      'the ledger moved back': [ledgerMoves({}, -1)],
      'the ledger moved there and back': [ledgerMoves({}, 5), ledgerMoves({}, -5)],
      'the ledger moved too far beside a birth, and back': [
        ...birth(gestating),
        ledgerMoves({}, 5),
        ledgerMoves({}, -5),
      ],
      'the ledger overwritten where it conflicts': [
        `INSERT INTO ledger (position, counts) VALUES (0, '{}')
         ON CONFLICT (singleton) DO UPDATE SET counts = excluded.counts`,
      ],
      'counts changed alone': [ledgerMoves({ Alive: 1 }, 0)],
      'a birth that only the ledger knows of': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        born(gestating),
      ],
      'a birth whose transition went back to a savepoint': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        born(gestating),
        'SAVEPOINT before_the_record',
        recorded(gestating, 'Birth', 'Gestating'),
        'ROLLBACK TO before_the_record',
      ],
      'a birth whose transition is silently left out where it conflicts': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        born(gestating),
        `${recorded(gestating, 'Birth', 'Gestating', { position: '1' })} ON CONFLICT DO NOTHING`,
      ],
      'a ledger that counts a shadow of the history': [
        'CREATE TEMPORARY TABLE life_transitions (LIKE life_transitions) ON COMMIT DROP',
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        recorded(gestating, 'Birth', 'Gestating', { version: '2', state_type: "'Alive'" }),
      ],
      'a position skipped': [
        ledgerMoves({ Gestating: -1, Alive: 1 }, 2),
        ...withoutLedger(birth(gestating)),
      ],
    },
  },
  {
    code: '23000',
    by: "the ledger's counts changed",
    attempts: {
      ...Object.fromEntries(
        // After the birth there are in truth 0 gestating, 2 alive and 2 dead.
        [
          '{"Gestating": 0, "Alive": 1, "Dead": 2}',
          '{"Gestating": 0, "Alive": 1, "Dead": 3}',
          '{"Gestating": 1, "Alive": 2, "Dead": 2}',
          '{"Gestating": -1, "Alive": 2, "Dead": 2}',
          '{"Gestating": 0.0, "Alive": 2, "Dead": 2}',
          '{"Gestating": 0.5, "Alive": 2, "Dead": 2}',
          '{"Gestating": "0", "Alive": 2, "Dead": 2}',
          '{"Gestating": null, "Alive": 2, "Dead": 2}',
          '{"Gestating": false, "Alive": 2, "Dead": 2}',
          '{"Gestating": [], "Alive": 2, "Dead": 2}',
          '{"Alive": 2, "Dead": 2}',
          '{"Gestating": 0, "Alive": 2, "Dead": 2, "Unborn": 1}',
          '{"Gestating": 0, "Alive": 2, "Dead": 2, "Unborn": 0}',
          '{"Gestating": 0, "Alive": 2, "Dead": 2, "Unborn": null}',
          '{}',
          '[]',
          '7',
          'null',
          '["Gestating", "Alive", "Dead"]',
        ].map((counts) => [
          `a birth after which there are ${counts}`,
          [
            `UPDATE ledger SET position = position + 1, counts = '${counts}'`,
            ...withoutLedger(birth(gestating)),
          ],
        ]),
      ),
      'counts put right by a second move of the ledger': [
        ledgerMoves({ Gestating: -1, Dead: 1 }),
        ...withoutLedger(birth(gestating)),
        ledgerMoves({ Dead: -1, Alive: 1 }, 0),
      ],
    },
  },
];

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
WHERE '${JSON.stringify(Object.fromEntries(statesOf(lifecycle).map((state) => [state, 0])))}' || counts <> (
  SELECT jsonb_object_agg(state, (SELECT count(*) FROM lives WHERE state_type = state))
  FROM unnest(ARRAY['${statesOf(lifecycle).join("', '")}']) AS state
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
         AND conrelid = ANY (ARRAY['lives', 'life_transitions', 'ledger']::regclass[])
         -- The primary key, which is narrower, speaks first.
         AND conname <> 'life_transitions_state_key'`,
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
    ['READ COMMITTED', '23503', 'life_transitions_follow_one_another'],
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
  const states = [...statesOf(lifecycle), 'Unborn'];
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
      [[null, ...states], [...eventsOf(lifecycle), 'Rebirth'], states],
    );
    expect(new Set(rows.map(({ edge }) => edge))).toEqual(
      new Set(edgesOf(lifecycle).map(({ event, from, to }) => `${from ?? '[*]'} ${event} ${to}`)),
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
    for (const { event, to: stateType } of edgesOf(lifecycle)) {
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
