/**
 * Finds a place for one transition whose cursor was not read from the feed, and so says nothing of other partitions.
 * There the place is about a minute before the transition was recorded. So the feed after it misses nothing that was
 * committed after the transition, and repeats about a minute of what was before it.
 */
import { type Operation, oneByOne } from './Operation';
import { type Place, type Witness, beginning, markAt, witnessExpression } from './place';
import type { MachineTables } from './tables';

/**
 * More than the clocks of two instances may differ, and than a transition may wait between its time of recording and
 * its commit.
 */
const MARGIN = '1 minute';

/** A position in one partition. */
export interface Spot {
  readonly partition: number;
  readonly position: string;
}

interface Row extends Spot {
  readonly witness: Witness | null;
}

/** @returns an operation that answers a position with the place; null if there is no such transition */
export function placeAround(tables: MachineTables): Operation<Spot, Place | null, Row> {
  const { names, history, ledger, partitions } = tables;
  const statement = {
    name: `${names.history}/around`,
    text: `
WITH RECURSIVE known AS (
  SELECT recorded_at - interval '${MARGIN}' AS moment, ${witnessExpression(tables, 'history')} AS witness
  FROM ${history} AS history
  WHERE history.partition = $1::integer AND history.position = $2::bigint
),
-- Bisection, in all other partitions at once: there is no index by time, and positions are in about its order.
search AS (
  SELECT ledger.partition, 0::bigint AS low, ledger.position AS high
  FROM ${ledger} AS ledger CROSS JOIN known
  WHERE ledger.partition <> $1::integer
  UNION ALL
  SELECT search.partition,
         CASE WHEN middle.recorded_at < known.moment THEN middle.position ELSE search.low END,
         CASE WHEN middle.recorded_at < known.moment THEN search.high ELSE middle.position - 1 END
  FROM search
  CROSS JOIN known
  CROSS JOIN LATERAL (
    SELECT * FROM ${history} AS history
    WHERE history.partition = search.partition AND history.position = (search.low + search.high + 1) / 2
    LIMIT 1
  ) AS middle
  WHERE search.low < search.high
)
SELECT $1::integer AS partition, $2::bigint AS position, known.witness FROM known
UNION ALL
SELECT search.partition, search.low, (
  SELECT ${witnessExpression(tables, 'history')} FROM ${history} AS history
  WHERE history.partition = search.partition AND history.position = search.low
)
FROM search WHERE search.low = search.high`,
  };
  return {
    lane: oneByOne({
      name: 'place',
      inFlight: 1,
      keyOf: ({ partition, position }) => `${partition} ${position}`,
      isAside: true,
    }),
    query: ([{ partition, position }]) => ({ statement, values: [partition, position] }),
    answers: (rows) => [rows.length === 0 ? null : placeOf(rows, partitions)],
  };
}

function placeOf(rows: readonly Row[], partitions: number): Place {
  return rows.reduce(
    (place: Place, { partition, position, witness }) =>
      place.with(partition, markAt(position, witness)),
    beginning(partitions),
  );
}
