/** Reads the witnesses of the transitions at given positions. */
import { type Numbered, rowsByNumber } from './columns';
import { GROUP_SIZE, type Operation } from './Operation';
import { type Witness, witnessExpression } from './place';
import type { MachineTables } from './tables';

interface Row extends Numbered {
  readonly witness: Witness;
}

export interface Spot {
  readonly partition: number;
  readonly position: string;
}

/** @returns an operation that answers a position with the witness of its transition, or null if there is none */
export function witnesses(tables: MachineTables): Operation<Spot, Witness | null, Row> {
  const statement = {
    name: `${tables.names.history}/witnesses`,
    text: `
SELECT spot.number AS "#number", ${witnessExpression(tables, 'history')} AS witness
FROM unnest($1::integer[], $2::bigint[]) WITH ORDINALITY AS spot (partition, position, number)
CROSS JOIN LATERAL (
  SELECT * FROM ${tables.history} AS history
  WHERE history.partition = spot.partition AND history.position = spot.position
  LIMIT 1
) AS history`,
  };
  return {
    lane: {
      name: 'prove',
      groupSize: GROUP_SIZE,
      inFlight: 1,
      keyOf: ({ partition, position }) => `${partition} ${position}`,
      isAside: true,
    },
    query: (spots) => ({
      statement,
      values: [spots.map(({ partition }) => partition), spots.map(({ position }) => position)],
    }),
    answers: (rows, spots) => {
      const byNumber = rowsByNumber(rows);
      return spots.map((_spot, index) => byNumber.get(index + 1)?.witness ?? null);
    },
  };
}
