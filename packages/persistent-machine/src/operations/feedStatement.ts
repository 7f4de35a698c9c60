/**
 * The statement that reads a page of the feed. Within a partition the rows come by position, and the statement merges
 * the partitions. It does not know what a page is for, nor what its rows mean.
 */
import { selected } from './columns';
import { witnessExpression } from './place';
import type { MachineTables } from './tables';
import { transitionColumns } from './transition';

/** Above every position. */
export const BEYOND = '9223372036854775807';

/**
 * Its parameters are, by partition, the partition, the positions after which and before which the page is, and those of
 * the place before which it is; then the most rows of each partition, the events, and the most rows in all.
 *
 * @param scanned the most rows of each partition, for the text: for a LIMIT by parameter, a generic plan expects a tenth
 *   of the table
 * @param isFromStart whether the page begins at the start of its bounds
 * @param isFiltered whether only rows with some events are wanted
 */
export function feedStatement(
  tables: MachineTables,
  scanned: number,
  isFromStart: boolean,
  isFiltered: boolean,
): string {
  const { history, ledger, partitions, isDistributed } = tables;
  // Citus refuses a scan for each event. There the nodes plan each execution anew, with its values.
  const byEvent = isFiltered && !isDistributed;
  const key = byEvent ? ['partition', 'event', 'position'] : ['partition', 'position'];
  const row = `(${key.map((column) => `row.${column}`).join(', ')})`;
  const at = (position: string): string =>
    `(scope.partition, ${byEvent ? 'wanted.event, ' : ''}${position})`;
  const [way, back] = isFromStart ? ['', ' DESC'] : [' DESC', ''];

  // By the first Citus sees that each node can read its own partitions, and by the second which shards are empty.
  const own = isDistributed
    ? ' AND row.partition = scope.partition AND row.partition = ANY ($1::integer[])'
    : '';
  const ofEvents = isFiltered && isDistributed ? ' AND row.event = ANY ($6::text[])' : '';

  /**
   * Selects rows of one partition, in order. Partition and event are part of the order and of both bounds, not separate
   * conditions: this leaves the planner only the index that has them, however rare an event is.
   */
  const scan = (above: string, below: string, order: string, most: string): string => {
    const rows = `SELECT row.* FROM ${history} AS row
    WHERE ${row} ${above} AND ${row} ${below}${own}${ofEvents}
    ORDER BY ${key.map((column) => `row.${column}${order}`).join(', ')} LIMIT ${most}`;
    return byEvent
      ? `SELECT row.* FROM unnest($6::text[]) AS wanted (event) CROSS JOIN LATERAL (
    ${rows}
  ) AS row ORDER BY row.position${order} LIMIT ${most}`
      : rows;
  };
  const page = scan(`> ${at('scope.after')}`, `< ${at('scope.before')}`, way, `${scanned + 1}`);
  // Not EXISTS: PostgreSQL would drop the order, and then might read the table from its beginning.
  const behind = isFromStart
    ? scan(`>= ${at('0')}`, `<= ${at('scope.after')}`, back, '1')
    : scan(`>= ${at('scope.before')}`, `<= ${at(BEYOND)}`, back, '1');
  const witness = (position: string): string =>
    `(SELECT ${witnessExpression(tables, 'row')} AS witness FROM ${history} AS row
        WHERE row.partition = scope.partition AND row.position = ${position}${own})`;
  const most = `$${isFiltered ? 7 : 6}::bigint`;
  const ordered = (rows: string): string =>
    partitions === 1 ? `${rows}\nORDER BY "#position"${way}` : merged(rows, isFromStart, most);
  const columns = selected(transitionColumns(tables), 'row');
  if (isDistributed) {
    const of = (position: string): string => `($${position}::bigint[])[partition + 1]`;
    return `
-- The ledger has a row for each partition. Each node reads its partitions' rows, and the coordinator merges them.
WITH part AS MATERIALIZED (
  SELECT scope.partition AS "#scope", behind."#behind", after.witness AS "#after", before.witness AS "#before", node.*
  FROM (
    SELECT partition, ${of('2')} AS after, ${of('3')} AS before, ${of('4')} AS proof
    FROM ${ledger} WHERE partition = ANY ($1::integer[])
  ) AS scope
  LEFT JOIN LATERAL (SELECT true AS "#behind" FROM (${behind}) AS row) AS behind ON true
  LEFT JOIN LATERAL ${witness('scope.after')} AS after ON true
  LEFT JOIN LATERAL ${witness('scope.proof')} AS before ON true
  LEFT JOIN LATERAL (
    SELECT ${columns} FROM (${page}) AS row LIMIT $5::bigint
  ) AS node ON true
)${ordered('\nSELECT * FROM part')}`;
  }
  const rows = `
SELECT facts.*, node.*
FROM facts
LEFT JOIN LATERAL (
  SELECT ${columns}
  FROM (SELECT facts."#scope" AS partition, facts.after, facts.before) AS scope
  CROSS JOIN LATERAL (${page}) AS row
  LIMIT $5::bigint
) AS node ON true`;
  return `
-- Materialized, or PostgreSQL would look the witnesses up again for each row of the page.
WITH facts AS MATERIALIZED (
  SELECT scope.partition AS "#scope", scope.after, scope.before,
         (SELECT true FROM (${behind}) AS row) IS NOT NULL AS "#behind",
         ${witness('scope.after')} AS "#after", ${witness('scope.proof')} AS "#before"
  FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[]) AS scope (partition, after, before, proof)
)${ordered(rows)}`;
}

/**
 * Merges the partitions by the time of recording, and keeps the order within each: clocks differ between instances, so
 * a transition counts as recorded no earlier than those before it (or, from the end, no later than those after it).
 * Returns one row more of each partition than the page has: the page's places need to know where it ends.
 */
function merged(rows: string, isFromStart: boolean, most: string): string {
  const [passed, way] = isFromStart ? ['max', ''] : ['min', ' DESC'];
  return `
SELECT * FROM (
  SELECT *, lag("#rank", 1, 0::bigint) OVER (PARTITION BY "#scope" ORDER BY "#number") AS "#before it"
  FROM (
    SELECT *, row_number() OVER (ORDER BY "#passed"${way} NULLS LAST, "#scope"${way}, "#number") AS "#rank"
    FROM (
      SELECT *, row_number() OVER own AS "#number", ${passed}("#recordedAt") OVER own AS "#passed"
      FROM (${rows}) AS row
      WINDOW own AS (PARTITION BY "#scope" ORDER BY "#position"${way})
    ) AS row
  ) AS row
) AS row
WHERE "#before it" <= ${most} ORDER BY "#rank"`;
}
