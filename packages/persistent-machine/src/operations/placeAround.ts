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

/** How many positions one step looks at. */
const LOOKS = 31;

/** The distances between the positions that a step looks at: enough steps for a million million positions. */
const DISTANCES = Array.from({ length: 8 }, (_, step) => (LOOKS + 1) ** (7 - step));

/** The greatest position, before which all is too old, that the first steps have found. */
function lowAfter(steps: number): string {
  return `coalesce(${DISTANCES.slice(0, steps)
    .map((_, index) => `step_${steps - 1 - index}.position`)
    .concat('0::bigint')
    .join(', ')})`;
}

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
  const witness = witnessExpression(tables, 'history');
  // There is no index by time, and positions are in about its order. So each step looks at a few positions at equal
  // distances, in all partitions at once, and the next one between two of these.
  const steps = DISTANCES.map((distance, index) => {
    const low = lowAfter(index);
    return `
  LEFT JOIN LATERAL (
    SELECT history.position FROM ${history} AS history
    WHERE history.partition = scope.partition AND history.recorded_at < (SELECT moment FROM known)
      AND history.position = ANY (
        ARRAY(
          SELECT ${low} + ${distance} * number
          FROM generate_series(1, least(${LOOKS}, (scope.position - ${low}) / ${distance})) AS number
        )
      )
    -- Not in the order of the index: PostgreSQL would read that from its end, and look up nothing.
    ORDER BY history.position + 0 DESC LIMIT 1
  ) AS step_${index} ON true`;
  });
  const statement = {
    name: `${names.history}/around`,
    text: `
WITH known AS MATERIALIZED (
  SELECT recorded_at - interval '${MARGIN}' AS moment, ${witness} AS witness
  FROM ${history} AS history
  WHERE history.partition = $1::integer AND history.position = $2::bigint
)
SELECT $1::integer AS partition, $2::bigint AS position, known.witness FROM known
UNION ALL
SELECT * FROM (
  SELECT scope.partition, ${lowAfter(DISTANCES.length)} AS position, last.witness
  FROM ${ledger} AS scope${steps.join('')}
  LEFT JOIN LATERAL (
    SELECT ${witness} AS witness FROM ${history} AS history
    WHERE history.partition = scope.partition AND history.position = ${lowAfter(DISTANCES.length)}
    LIMIT 1
  ) AS last ON true
  WHERE scope.partition <> $1::integer AND EXISTS (SELECT FROM known)
) AS others`,
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
