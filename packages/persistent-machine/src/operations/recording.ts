/** The end of each statement that changes machines: the ledger moves, and the history is written. */
import { changeColumns } from './change';
import type { MachineTables } from './tables';

/**
 * What begins and swaps share: the ledger moves by what was `changed`, and the history is written.
 *
 * @param afterwards what else is to be computed when all is changed, and the ledger is not locked yet
 */
export function recordClauses(tables: MachineTables, afterwards = ''): string {
  const { history, ledger, owner } = tables;
  const columns = [...tables.historyColumns.slice(1), ...changeColumns(tables)].map(
    ({ name }) => name,
  );
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
