/** Begins a group of machines. The store decides what to do about an id that is taken. */
import type { Statement } from '../database/Database';
import { type Applied, type Change, PARTITION, applied, inputClause, parametersOf } from './change';
import { GROUP_SIZE, type Operation } from './Operation';
import { recordClauses } from './recording';
import type { MachineTables } from './tables';

/**
 * How long a group waits for another transaction that is inserting one of its ids: longer than a commit usually takes,
 * and short enough for the other changes of the group, which wait too.
 */
const INSERT_LOCK_TIMEOUT = '50ms';

const TIMEOUTS = `\
-- While another transaction is inserting an id, PostgreSQL must wait to learn whether the id is taken: there is no
-- SKIP LOCKED for INSERT. The wait is short, since the whole group waits.
timeouts AS MATERIALIZED (
  SELECT current_setting('lock_timeout') AS usual,
         set_config('lock_timeout', '${INSERT_LOCK_TIMEOUT}', true) AS short
),
`;

/** The usual timeout holds again for the ledger's row, which every commit needs. */
const RESTORE_LOCK_TIMEOUT = `, set_config('lock_timeout', (SELECT usual FROM timeouts), true)`;

/**
 * The statement fails with 55P03 (lock_not_available) if another transaction is still inserting one of the ids.
 *
 * @returns an operation that answers for each change whether it was applied; if not, the machine existed before
 */
export function begin(tables: MachineTables): Operation<Change, boolean, Applied> {
  const statement = statementFor(tables);
  const parameters = parametersOf(tables);
  return {
    lane: {
      name: 'begin',
      groupSize: GROUP_SIZE,
      // As for swaps.
      inFlight: 1,
      keyOf: ({ record }) => record.id,
      ...(tables.partitions === 1 ? {} : { partitionOf: ({ partition }: Change) => partition }),
    },
    query: (changes) => ({ statement, values: parameters(changes) }),
    answers: applied,
  };
}

function statementFor(tables: MachineTables): Statement {
  const { isDistributed } = tables;
  const columns = tables.columns.map(({ name }) => name);
  // Citus takes an INSERT beside another one in steps. Where a step of INSERT reads a CTE, it sends the CTE's rows to
  // all nodes, and then the commit needs all of them. And a lock_timeout does not reach the nodes: there a group that
  // has to wait longer than a statement may take fails, and its changes go one by one.
  const [timeouts, shortly, restored] = isDistributed
    ? ['', '', '']
    : [TIMEOUTS, ' CROSS JOIN timeouts', RESTORE_LOCK_TIMEOUT];
  return {
    name: `${tables.names.records}/begin`,
    text: `
WITH ${inputClause(tables, isDistributed)},
${timeouts}\
-- In the order of ids, as in a swap, so that two groups that overlap cannot deadlock.
begun AS (
  INSERT INTO ${tables.records} (partition, ${columns.join(', ')})
  SELECT ${PARTITION}, ${columns.map((name) => `input.${name}`).join(', ')}
  FROM input${shortly}
  ORDER BY input.id
  ON CONFLICT (partition, id) DO NOTHING
  RETURNING id
),
changed AS (
  SELECT input.* FROM begun JOIN input USING (id)
),
${recordClauses(tables, restored)}`,
  };
}
