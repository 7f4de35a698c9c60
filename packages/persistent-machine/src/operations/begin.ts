/** Begins machines, a group at once. Knows nothing of what becomes of one whose id is taken. */
import type { Statement } from '../database/Database';
import { type Applied, type Change, applied, inputClause, parametersOf } from './change';
import { GROUP_SIZE, type Operation } from './Operation';
import { recordClauses } from './recording';
import type { MachineTables } from './tables';

/**
 * How long a group waits for another transaction that is inserting one of its ids: longer than a commit takes as a
 * rule, and so short that the other entries do not suffer.
 */
const LONGEST_INSERTION = '50ms';

/** Every change needs the ledger's row, so a commit waits for it for as long as a statement may take. */
const BE_PATIENT_AGAIN = `, set_config('lock_timeout', (SELECT usual FROM patience), true)`;

/**
 * Its statement fails with 55P03, lock_not_available, where another transaction that has not ended is inserting one of
 * the ids.
 *
 * @returns an operation that answers each change whether it was applied; where not, the machine existed before
 */
export function begin(tables: MachineTables): Operation<Change, boolean, Applied> {
  const statement = statementFor(tables);
  const parameters = parametersOf(tables);
  return {
    lane: {
      name: 'begin',
      groupSize: GROUP_SIZE,
      // As of swaps.
      inFlight: 1,
      keyOf: ({ record }) => record.id,
    },
    query: (changes) => ({ statement, values: parameters(changes) }),
    answers: applied,
  };
}

function statementFor(tables: MachineTables): Statement {
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
