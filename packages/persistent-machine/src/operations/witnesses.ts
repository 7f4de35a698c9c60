/** Reads the witnesses of the transitions at the marks of places. */
import { GROUP_SIZE, type Operation } from './Operation';
import { type ClaimedPlace, type Witness, witnessExpression } from './place';
import type { MachineTables } from './tables';

/** The positions of a place, by partition. */
type Positions = ClaimedPlace['positions'];

interface Row {
  readonly number: number;
  readonly partition: number;
  readonly witness: Witness;
}

/**
 * A place is one question, however many partitions there are: so as many subscribers can come back at once as a queue
 * has room for.
 *
 * @returns an operation that answers the positions of a place with the witnesses of their transitions, by partition;
 *   null where there is none
 */
export function witnesses(
  tables: MachineTables,
): Operation<Positions, readonly (Witness | null)[], Row> {
  // Citus refuses the LIMIT, and shows each node only the marks of its partitions.
  const [limit, own] = tables.isDistributed
    ? ['', '\nWHERE history.partition = ANY ($2::integer[])']
    : ['LIMIT 1', ''];
  const statement = {
    name: `${tables.names.history}/witnesses`,
    text: `
SELECT mark.number, mark.partition, ${witnessExpression(tables, 'history')} AS witness
FROM unnest($1::integer[], $2::integer[], $3::bigint[]) AS mark (number, partition, position)
CROSS JOIN LATERAL (
  SELECT * FROM ${tables.history} AS history
  WHERE history.partition = mark.partition AND history.position = mark.position
  ${limit}
) AS history${own}`,
  };
  return {
    lane: {
      name: 'prove',
      groupSize: Math.ceil(GROUP_SIZE / tables.partitions),
      inFlight: 1,
      keyOf: (positions) => positions.join(),
      isAside: true,
    },
    query: (places) => {
      const marks = places.flatMap((positions, number) =>
        positions.map((position, partition) => ({ number, partition, position })),
      );
      return {
        statement,
        values: [
          marks.map(({ number }) => number),
          marks.map(({ partition }) => partition),
          marks.map(({ position }) => position),
        ],
      };
    },
    answers: (rows, places) => {
      const found = places.map((positions) => positions.map((): Witness | null => null));
      for (const { number, partition, witness } of rows)
        found[number]?.splice(partition, 1, witness);
      return found;
    },
  };
}
