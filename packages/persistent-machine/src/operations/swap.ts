/**
 * The compare-and-swap of a group of records: each becomes its next version, if it still is at the version before. The
 * store decides what to do about a lost swap.
 */
import type { Statement } from '../database/Database';
import {
  type Applied,
  type Change,
  IDS,
  PARTITION,
  applied,
  inputClause,
  parametersOf,
} from './change';
import { GROUP_SIZE, type Operation } from './Operation';
import { recordClauses } from './recording';
import type { MachineTables } from './tables';

/**
 * The statement skips records that another transaction has locked, since waiting would be head-of-line blocking.
 *
 * @returns an operation that answers for each change whether it was applied; it does not tell a lost swap from a
 *   skipped record
 */
export function swap(tables: MachineTables): Operation<Change, boolean, Applied> {
  const statement = statementFor(tables);
  const parameters = parametersOf(tables);
  return {
    lane: {
      name: 'swap',
      groupSize: GROUP_SIZE,
      // A second commit in flight would wait for the first one's lock on the ledger, and make both groups smaller.
      inFlight: 1,
      // Only one of several swaps of the same version can win.
      keyOf: ({ record }) => `${record.id} ${record.version}`,
      ...(tables.partitions === 1 ? {} : { partitionOf: ({ partition }: Change) => partition }),
    },
    query: (changes) => ({ statement, values: parameters(changes) }),
    answers: applied,
  };
}

function statementFor(tables: MachineTables): Statement {
  const assignments = tables.columns
    .filter(({ property }) => property !== 'id' && property !== 'createdAt')
    .map(({ name }) => `${name} = input.${name}`);
  return {
    name: `${tables.names.records}/swap`,
    text: `
WITH ${inputClause(tables)},
-- SKIP LOCKED: to wait for another transaction would hold up the whole group. If a row was updated after the
-- statement's snapshot, PostgreSQL locks and returns its newest version: so the comparison uses this version.
-- ORDER BY id: all locks are taken in this order, so that there is no deadlock.
-- NO KEY: checks of foreign keys need not wait for this lock.
locked AS MATERIALIZED (
  SELECT record.*
  FROM (SELECT id FROM unnest(${IDS}) AS each (id) ORDER BY id) AS wanted
  -- LIMIT, so that PostgreSQL looks up each id, also with a plan from when the table was small.
  CROSS JOIN LATERAL (
    SELECT record.ctid AS place, record.id, record.version
    FROM ${tables.records} AS record
    WHERE record.partition = ${PARTITION} AND record.id = wanted.id
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
  ) AS record
),
-- By ctid, the row's place: if the row was updated meanwhile, the newer version has another place.
changed AS (
  UPDATE ${tables.records} AS record
  SET ${assignments.join(', ')}
  FROM locked
  JOIN input ON input.id = locked.id AND input.version = locked.version + 1
  WHERE record.partition = ${PARTITION} AND record.ctid = locked.place
  RETURNING input.*
),
${recordClauses(tables)}`,
  };
}
