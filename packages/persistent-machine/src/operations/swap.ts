/**
 * The compare-and-swap: "this record, at the version before, becomes that one", for a group of records at once. Knows
 * nothing of what becomes of a swap that was lost.
 */
import type { Statement } from '../database/Database';
import { type Applied, type Change, applied, inputClause, parametersOf } from './change';
import { GROUP_SIZE, type Operation } from './Operation';
import { recordClauses } from './recording';
import type { MachineTables } from './tables';

/**
 * A record that another transaction has locked is skipped, so that it holds up no other.
 *
 * @returns an operation that answers each change whether it was applied; one that was not has lost the swap, or was
 *   skipped, which this does not tell apart
 */
export function swap(tables: MachineTables): Operation<Change, boolean, Applied> {
  const statement = statementFor(tables);
  const parameters = parametersOf(tables);
  return {
    lane: {
      name: 'swap',
      groupSize: GROUP_SIZE,
      // A second commit in flight would wait for the first one's lock of the ledger, and make both groups smaller.
      inFlight: 1,
      // Of several swaps of one version only one can win.
      keyOf: ({ record }) => `${record.id} ${record.version}`,
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
