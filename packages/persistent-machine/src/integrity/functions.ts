/**
 * The functions of the triggers, which keep record, history and ledger consistent even against raw SQL of their owner.
 * Rules for a single row are CHECKs. Migrations have these texts: a change of one needs a new migration.
 */
import { checked, identifier, literal, literals } from './names';
import type { Shape, ShapeColumn } from './shape';

/** A function, or a trigger that calls one. */
export interface Routine {
  readonly name: string;
  /** The statement that creates the trigger, or creates or replaces the function. */
  readonly sql: string;
}

/** The only function that all machines share. */
export const REFUSE_CHANGE: Routine = {
  name: 'refuse_change',
  sql: `\
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
    USING ERRCODE = 'integrity_constraint_violation';
END $$`,
};

/**
 * @param schema the quoted schema of the tables; without it, a session's temporary table could stand in for ours
 * @returns the functions of all machines, each once
 */
export function functionsOf(shapes: readonly Shape[], schema: string): Routine[] {
  if (shapes.length === 0) return [];
  return [
    REFUSE_CHANGE,
    ...shapes.flatMap((shape) => [
      recordWhatWasDone(shape, schema),
      countWhatWasRecorded(shape, schema),
    ]),
  ];
}

/**
 * Fires once for each group, and checks that the history records what was done. A session may plan the query while the
 * tables are small, and keep the plan when they have grown: so sequential scans are off, and LATERAL with LIMIT gives
 * one index lookup for each row.
 */
function recordWhatWasDone(shape: Shape, schema: string): Routine {
  const { machine, history, records, ledger, owner } = shape;
  const name = checked(`${history}_record_what_was_done`);
  const columns = ['version', 'state_type', 'created_at', 'updated_at'].concat(
    shape.columns.map((column) => identifier(column.name)),
  );
  const of = (alias: string): string =>
    inLines(columns.map((column) => `${alias}.${column}`)).join(',\n          ');
  return {
    name,
    sql: `\
CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
  wrong text;
BEGIN
  SELECT max(CASE
    WHEN (${of('record')})
      IS DISTINCT FROM
         (${of('recorded')})
      THEN 'differs from its record'
    -- Of a first version there is no previous one, and it comes from no state.
    WHEN previous.state_type IS DISTINCT FROM recorded.from_state_type
      THEN 'does not follow the one before'
    WHEN previous.created_at <> recorded.created_at THEN 'changes created_at'
${shape.columns.map((column) => changedByWrongEvent(shape, column)).join('')}\
    WHEN previous.occurred_at > recorded.occurred_at THEN 'occurred before the one that it follows'
    WHEN previous.position > recorded.position THEN 'has a position before the one that it follows'
    WHEN recorded.position > ledger.position THEN 'has a position beyond the ledger'
  END)
  INTO wrong
  FROM recorded
  LEFT JOIN LATERAL (
    SELECT * FROM ${schema}.${identifier(records)} AS record
    WHERE record.partition = recorded.partition AND record.id = recorded.${owner.name} LIMIT 1
  ) AS record ON true
  LEFT JOIN LATERAL (
    SELECT * FROM ${schema}.${identifier(history)} AS previous
    WHERE previous.partition = recorded.partition AND previous.${owner.name} = recorded.${owner.name}
      AND previous.version = recorded.previous_version
    LIMIT 1
  ) AS previous ON true
  LEFT JOIN ${schema}.${identifier(ledger)} AS ledger
    ON ledger.partition = recorded.partition;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'a transition of ${machine} %', wrong
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$`,
  };
}

/** Wraps a list of names into lines. */
function inLines(names: readonly string[]): string[] {
  return names.reduce<string[]>((lines, name) => {
    const last = lines.at(-1);
    return last !== undefined && last.length + name.length < 75
      ? [...lines.slice(0, -1), `${last}, ${name}`]
      : [...lines, name];
  }, []);
}

/**
 * Refuses the change of a column by an event that does not set it. Any transition may empty a column on the way into a
 * state that cannot hold it, where a CHECK of the record demands null.
 */
function changedByWrongEvent({ edges }: Shape, { name, setBy, lackedBy }: ShapeColumn): string {
  const column = identifier(name);
  const emptied = edges.filter(
    ({ from, event, to }) =>
      from !== null && !lackedBy.includes(from) && lackedBy.includes(to) && !setBy.includes(event),
  );
  const conditions = [
    setBy.length === 0 ? [] : `recorded.event ${isNoneOf(setBy)}`,
    emptied.length === 0 ? [] : `recorded.state_type ${isNoneOf(emptied.map(({ to }) => to))}`,
  ].flat();
  return `\
    WHEN ${[`previous.${column} IS DISTINCT FROM recorded.${column}`, ...conditions].join(' AND ')}
      THEN ${literal(`changes ${name}, which is not set by `)} || recorded.event
`;
}

function isNoneOf(names: readonly string[]): string {
  const [first, ...others] = new Set(names);
  return first !== undefined && others.length === 0
    ? `<> ${literal(first)}`
    : `NOT IN (${literals(new Set(names))})`;
}

/** Fires once for each group, at its commit, and checks that the ledger moved by what the history records. */
function countWhatWasRecorded({ machine, history, ledger }: Shape, schema: string): Routine {
  const name = checked(`${ledger}_counts_what_was_recorded`);
  return {
    name,
    sql: `\
CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
  size bigint;
  expected jsonb;
BEGIN
  SELECT coalesce(sum(entered), 0),
         jsonb_object_agg(state, coalesce((old.counts ->> state)::bigint, 0) + entered - departed)
  INTO size, expected
  FROM (
    SELECT state, sum(entered) AS entered, sum(departed) AS departed
    FROM ${schema}.${identifier(history)}
    CROSS JOIN LATERAL (VALUES (state_type, 1, 0), (from_state_type, 0, 1))
      AS each (state, entered, departed)
    WHERE partition = new.partition AND position > old.position AND position <= new.position
      AND state IS NOT NULL
    GROUP BY state
  ) AS sums;
  IF size < 1 OR size <> new.position - old.position THEN
    RAISE EXCEPTION 'the ledger of ${machine} moved from % to %, which is not what was recorded',
      old.position, new.position USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  -- As text: 1.0 is equal to 1, and yet no count.
  IF new.counts::text <> (old.counts || expected)::text THEN
    RAISE EXCEPTION 'the counts of the ledger of ${machine} changed from % to %, which is not what was recorded',
      old.counts, new.counts USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$`,
  };
}
