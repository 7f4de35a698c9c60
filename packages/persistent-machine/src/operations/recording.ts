/** The last clauses of each statement that changes machines: they move the ledger and write the history. */
import { PARTITION, changeColumns } from './change';
import type { MachineTables } from './tables';

/**
 * The clauses read the CTE `changed`, with a row for each change that was applied.
 *
 * @param afterwards further columns, which PostgreSQL computes after the changes and before it locks the ledger
 */
export function recordClauses(tables: MachineTables, afterwards = ''): string {
  const { history, ledger, owner } = tables;
  const columns = [...tables.historyColumns.slice(1), ...changeColumns(tables)].map(
    ({ name }) => name,
  );
  return `-- The sums of the group, before the ledger is touched: if the update below must wait for the ledger's row,
-- PostgreSQL evaluates it again (EvalPlanQual), with the row's new contents and only those rows it has joined already.
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
-- The last lock, held until the commit: this makes positions gapless, and gives them in the order of commits. A group
-- that changed nothing does not touch the ledger.
moved AS (
  UPDATE ${ledger} AS ledger
  SET position = ledger.position + change.size,
      counts = ledger.counts || (
        SELECT jsonb_object_agg(key, coalesce((ledger.counts ->> key)::bigint, 0) + value::bigint)
        FROM jsonb_each_text(change.delta)
      )
  FROM change
  WHERE ledger.partition = ${PARTITION} AND change.size > 0
  RETURNING ledger.position - change.size AS before
)
INSERT INTO ${history} (partition, ${owner.name}, ${columns.join(', ')}, recorded_at, position)
SELECT ${PARTITION}, changed.id, ${columns.map((name) => `changed.${name}`).join(', ')}, changed.updated_at,
       moved.before + row_number() OVER ()
FROM changed CROSS JOIN moved
RETURNING ${owner.name} AS id, version`;
}
