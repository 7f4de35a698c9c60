/** Reads the witnesses of the transitions at given positions. */
import { GROUP_SIZE, type Operation } from './Operation';
import { type Witness, witnessExpression } from './place';
import type { MachineTables } from './tables';

interface Row {
  readonly position: string;
  readonly witness: Witness;
}

/** @returns an operation that answers a position with the witness of its transition, or null if there is none */
export function witnesses(tables: MachineTables): Operation<string, Witness | null, Row> {
  const statement = {
    name: `${tables.names.history}/witnesses`,
    text: `
SELECT history.position, ${witnessExpression(tables, 'history')} AS witness
FROM ${tables.history} AS history
WHERE history.position = ANY ($1::bigint[])`,
  };
  return {
    lane: {
      name: 'prove',
      groupSize: GROUP_SIZE,
      inFlight: 1,
      keyOf: (position) => position,
      isAside: true,
    },
    query: (positions) => ({ statement, values: [positions] }),
    answers: (rows, positions) => {
      const found = new Map(rows.map(({ position, witness }) => [position, witness]));
      return positions.map((position) => found.get(position) ?? null);
    },
  };
}
