/**
 * The statements that change a machine's tables, and that find a record. Written once for every machine:
 * nothing here knows what a birth is. Each statement is a transaction of its own, and takes a whole group
 * of changes, so that a group costs one round trip and one flush.
 */
import type { Statement } from '../database/Database';
import { witnessExpression } from './place';
import { type Column, type MachineTables, selected } from './tables';
import { TRANSITION_COLUMNS } from './transitions';

/** What a transition's row holds beside the record: in this order the parameters of a commit. */
const CHANGE_COLUMNS = [
  { name: 'event', property: 'event', type: 'text' },
  { name: 'from_state_type', property: 'from', type: 'text' },
  { name: 'occurred_at', property: 'occurredAt', type: 'timestamptz' },
  { name: 'actor', property: 'actor', type: 'text' },
  { name: 'idempotency_key', property: 'idempotencyKey', type: 'text' },
  { name: 'token', property: 'token', type: 'uuid' },
] as const satisfies readonly Column[];

/**
 * How long a group waits for another transaction that is inserting one of its ids: longer than a commit takes as a
 * rule, and so short that the other entries do not suffer.
 */
const LONGEST_INSERTION = '50ms';

/** One change to commit: the record as it becomes, and how it came to that. */
export interface Change<R> {
  readonly record: R;
  readonly event: string;
  /** The state before; null for the transition that begins a machine. */
  readonly from: string | null;
  readonly occurredAt: Date;
  readonly actor: string | null;
  readonly idempotencyKey: string | null;
  /** By which its row in the history is known again, should the answer to this statement be lost. */
  readonly token: string | null;
}

/**
 * @returns a statement with a parameter `uuid[]`: the ids; and for rows the records, as our code names
 *   their columns
 */
export function findStatement(tables: MachineTables): Statement {
  return {
    name: `${tables.names.records}/find`,
    text: `
SELECT ${selected(tables.columns, 'record')}
FROM ${tables.records} AS record
WHERE record.id = ANY ($1::uuid[])`,
  };
}

/**
 * @returns a statement with parameters `uuid[]` and `integer[]`: ids and, in the same order, versions; and
 *   for rows the records as they were at those, with the `number` of the pair that each is for, from 1 on,
 *   and the `token` of the transition that made them so
 */
export function findVersionStatement(tables: MachineTables): Statement {
  return {
    name: `${tables.names.records}/find-version`,
    text: `
SELECT wanted.number, ${selected(tables.historyColumns, 'history')}, history.token
FROM unnest($1::uuid[], $2::integer[]) WITH ORDINALITY AS wanted (id, version, number)
JOIN ${tables.history} AS history
  ON history.${tables.owner.name} = wanted.id AND history.version = wanted.version`,
  };
}

/**
 * @returns a statement with parameters `uuid[]` and `timestamptz[]`: ids and, in the same order, moments;
 *   and for rows the records as they were then, with the `number` of the pair that each is for, from 1 on
 */
export function findAsOfStatement(tables: MachineTables): Statement {
  const { names, history, owner, historyColumns } = tables;
  return {
    name: `${names.records}/find-as-of`,
    text: `
SELECT wanted.number, ${selected(historyColumns, 'history')}
FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS wanted (id, moment, number)
CROSS JOIN LATERAL (
  SELECT * FROM ${history} AS history
  WHERE history.${owner.name} = wanted.id AND history.occurred_at <= wanted.moment
  ORDER BY history.version DESC
  LIMIT 1
) AS history`,
  };
}

/**
 * @param limit the most transitions of one machine
 * @returns a statement with parameters `uuid[]` and `integer[]`: ids and, in the same order, versions; and for rows
 *   the transitions that follow each, oldest first, with the `#number` of the pair that each is for, from 1 on, and
 *   when that version itself was made, as `#known`; one row without a transition where none follows
 */
export function followingStatement(tables: MachineTables, limit: number): Statement {
  const { names, history, owner, historyColumns } = tables;
  const columns = [...historyColumns, ...TRANSITION_COLUMNS];
  return {
    name: `${names.history}/following`,
    text: `
SELECT wanted.number AS "#number", known.updated_at AS "#known", following.*
FROM unnest($1::uuid[], $2::integer[]) WITH ORDINALITY AS wanted (id, version, number)
LEFT JOIN ${history} AS known
  ON known.${owner.name} = wanted.id AND known.version = wanted.version
LEFT JOIN LATERAL (
  SELECT ${selected(columns, 'history')}
  FROM ${history} AS history
  WHERE history.${owner.name} = wanted.id AND history.version > wanted.version
  ORDER BY history.version
  LIMIT ${limit}
) AS following ON true
ORDER BY wanted.number, following.version`,
  };
}

/** @returns a statement with a parameter `bigint[]`: positions; and for rows those that are there, and their witnesses */
export function witnessesStatement(tables: MachineTables): Statement {
  return {
    name: `${tables.names.history}/witnesses`,
    text: `
SELECT history.position, ${witnessExpression(tables, 'history')} AS witness
FROM ${tables.history} AS history
WHERE history.position = ANY ($1::bigint[])`,
  };
}

/**
 * @returns a statement for how many machines are in each state, and up to which position that is counted, with the
 *   witness of the transition there
 */
export function censusStatement(tables: MachineTables): Statement {
  const { names, history, ledger } = tables;
  return {
    name: `${names.ledger}/census`,
    text: `
SELECT ledger.position, ledger.counts,
       (SELECT ${witnessExpression(tables, 'history')} FROM ${history} AS history
        WHERE history.position = ledger.position) AS witness
FROM ${ledger} AS ledger`,
  };
}

/**
 * Finds records, each together with the transition that was recorded under an idempotency key, if any: in
 * one snapshot, so that no transition is overlooked which the record shows. A key may also be one that we
 * made up for a caller who had none: then it names a version, and the token of its transition.
 *
 * @returns a statement with parameters `uuid[]`, `text[]`, `integer[]`, `uuid[]`: ids, keys, and versions
 *   with tokens, which are null for a key that is the caller's own; and for rows the records, in the same
 *   order, beside `recorded`, null or the transition
 */
export function findWithKeyStatement(tables: MachineTables): Statement {
  const { names, records, history, owner, columns, historyColumns } = tables;
  const recorded = historyColumns.map(
    (column) => `history.${column.name} AS "recorded.${column.property}"`,
  );
  return {
    name: `${names.records}/find-with-key`,
    text: `
SELECT wanted.number, ${selected(columns, 'record')}, ${recorded.join(', ')},
       history.event, history.occurred_at AS "occurredAt"
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::uuid[])
  WITH ORDINALITY AS wanted (id, key, version, token, number)
JOIN ${records} AS record ON record.id = wanted.id
LEFT JOIN LATERAL (
  SELECT * FROM ${history} AS history
  WHERE history.${owner.name} = wanted.id AND history.idempotency_key = wanted.key
  UNION ALL
  SELECT * FROM ${history} AS history
  WHERE history.${owner.name} = wanted.id AND history.version = wanted.version
    AND history.token = wanted.token
  LIMIT 1
) AS history ON true`,
  };
}

/**
 * The compare-and-swap: "this record, at the version before, becomes that one", for a group of records at
 * once. The parameters are what `parameters` makes of the changes.
 *
 * A record that another transaction has locked is skipped, so that it holds up no other.
 *
 * @returns a statement whose rows are `id` and `version` of the changes that were applied; the others lost the
 *   swap, or were skipped, which this does not tell apart
 */
export function swapStatement(tables: MachineTables): Statement {
  const assignments = tables.columns
    .filter(({ property }) => property !== 'id' && property !== 'createdAt')
    .map(({ name }) => `${name} = input.${name}`);
  return {
    name: `${tables.names.records}/swap`,
    text: `
WITH ${inputClause(tables)},
-- What another transaction has locked is skipped: to wait for it would hold up the whole group. A row that was
-- replaced since the statement began is locked as it is now, hence the version from here.
-- In the order of ids, whatever the plan, as all locks are taken.
-- NO KEY, so that the foreign keys' own checks need not wait for it.
locked AS MATERIALIZED (
  SELECT record.ctid AS place, record.id, record.version
  FROM ${tables.records} AS record
  WHERE record.id = ANY ($1::uuid[])
  ORDER BY record.id
  FOR NO KEY UPDATE SKIP LOCKED
),
-- By place: a row that was replaced meanwhile is at another one, and the swap is lost.
changed AS (
  UPDATE ${tables.records} AS record
  SET ${assignments.join(', ')}
  FROM locked
  JOIN input ON input.id = locked.id AND input.version = locked.version + 1
  WHERE record.ctid = locked.place
  RETURNING input.*
),
${recordClauses(tables)}`,
  };
}

/**
 * Begins machines. The parameters are what `parameters` makes of the changes. It fails with 55P03,
 * lock_not_available, where another transaction that has not ended is inserting one of the ids.
 *
 * @returns a statement whose rows are `id` and `version` of the machines that it began; the others existed before
 */
export function beginStatement(tables: MachineTables): Statement {
  const columns = tables.columns.map(({ name }) => name);
  return {
    name: `${tables.names.records}/begin`,
    text: `
WITH ${inputClause(tables)},
-- Only the end of another transaction that is inserting an id tells whether the id is taken, and no clause skips
-- it. So it is waited for, but not for long, since the whole group waits.
patience AS MATERIALIZED (
  SELECT current_setting('lock_timeout') AS usual,
         set_config('lock_timeout', '${LONGEST_INSERTION}', true) AS short
),
-- In the order of ids, as in a swap: two groups that overlap wait for one another, and never in a circle.
begun AS (
  INSERT INTO ${tables.records} (${columns.join(', ')})
  SELECT ${columns.map((name) => `input.${name}`).join(', ')}
  FROM input CROSS JOIN patience
  ORDER BY input.id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
),
changed AS (
  SELECT input.* FROM begun JOIN input USING (id)
),
${recordClauses(tables, BE_PATIENT_AGAIN)}`,
  };
}

/**
 * What tells the latest transition from every other one anywhere.
 *
 * @returns two statements with rows of the same form: of the latest one; and of one that is given as such a row
 */
export function recognitionStatements(tables: MachineTables): {
  readonly latest: Statement;
  readonly again: Statement;
} {
  const { names, history, owner } = tables;
  const read = `
SELECT position::text, ${owner.name}::text, version::text, extract(epoch FROM recorded_at)::text AS recorded_at
FROM ${history}`;
  return {
    latest: { name: `${names.history}/latest`, text: `${read} ORDER BY position DESC LIMIT 1` },
    again: {
      name: `${names.history}/again`,
      text: `${read}
WHERE position = $1::bigint AND ${owner.name} = $2::uuid AND version = $3::integer
  AND extract(epoch FROM recorded_at) = $4::numeric`,
    },
  };
}

/** The values for a group of changes: an array for each column. */
export function parameters<R>(tables: MachineTables, changes: readonly Change<R>[]): unknown[] {
  return [
    // The tables' columns are the record's properties: tablesOf read them off its entity.
    ...tables.columns.map(({ property }) =>
      changes.map(({ record }) => inUtc(record[property as keyof R])),
    ),
    ...CHANGE_COLUMNS.map(({ property }) => changes.map((change) => inUtc(change[property]))),
  ];
}

/** node-postgres would write a Date in this process' time zone, whose offset it rounds to minutes. */
function inUtc(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}

/** The parameters, as a table named `input`. */
function inputClause(tables: MachineTables): string {
  const columns = [...tables.columns, ...CHANGE_COLUMNS];
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`);
  return `input AS MATERIALIZED (
  SELECT * FROM unnest(${arrays.join(', ')})
    AS input (${columns.map(({ name }) => name).join(', ')})
)`;
}

/** The ledger's row is everybody's, and is waited for as long as a statement may take. */
const BE_PATIENT_AGAIN = `, set_config('lock_timeout', (SELECT usual FROM patience), true)`;

/**
 * What begins and swaps share: the ledger moves by what was `changed`, and the history is written.
 *
 * @param afterwards what else is to be computed when all is changed, and the ledger is not locked yet
 */
function recordClauses(tables: MachineTables, afterwards = ''): string {
  const { history, ledger, owner } = tables;
  const columns = [...tables.historyColumns.slice(1), ...CHANGE_COLUMNS].map(({ name }) => name);
  return `-- What the group did, added up before the ledger is touched: when the ledger's row was waited for, the
-- update below is worked out again from its new contents, and may then use nothing but rows it already has.
change AS MATERIALIZED (
  SELECT sum(entered)::bigint AS size, jsonb_object_agg(state, entered - departed) AS delta${afterwards}
  FROM (
    SELECT state, sum(entered) AS entered, sum(departed) AS departed
    FROM changed
    CROSS JOIN LATERAL (VALUES (changed.state_type, 1, 0), (changed.from_state_type, 0, 1))
      AS each (state, entered, departed)
    WHERE state IS NOT NULL
    GROUP BY state
  ) AS sums
),
-- Last of the locks, and held until the commit: positions are gapless, and in the order of commits. A group
-- that changed nothing leaves it alone.
moved AS (
  UPDATE ${ledger} AS ledger
  SET position = ledger.position + change.size,
      counts = ledger.counts || (
        SELECT jsonb_object_agg(key, coalesce((ledger.counts ->> key)::bigint, 0) + value::bigint)
        FROM jsonb_each_text(change.delta)
      )
  FROM change
  WHERE change.size > 0
  RETURNING ledger.position - change.size AS before
)
INSERT INTO ${history} (${owner.name}, ${columns.join(', ')}, recorded_at, position)
SELECT changed.id, ${columns.map((name) => `changed.${name}`).join(', ')}, changed.updated_at,
       moved.before + row_number() OVER ()
FROM changed CROSS JOIN moved
RETURNING ${owner.name} AS id, version`;
}
