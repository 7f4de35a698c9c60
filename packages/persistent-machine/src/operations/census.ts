/** Reads the census off the ledger: how many machines are in each state. */
import type { Operation } from './Operation';
import { type MarkIn, type Place, type Witness, markAt, witnessExpression } from './place';
import type { MachineTables } from './tables';

/** The counts, the place of the feed up to which they count, and the mark of the transition that was recorded last. */
export interface Census extends MarkIn {
  readonly counts: Readonly<Record<string, number>>;
  readonly place: Place;
}

interface Row {
  readonly partition: number;
  readonly position: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly witness: Witness | null;
  readonly recordedAt: Date | null;
}

export function census(tables: MachineTables): Operation<null, Census, Row> {
  const { names, history, ledger } = tables;
  const statement = {
    name: `${names.ledger}/census`,
    text: `
SELECT ledger.partition, ledger.position, ledger.counts,
       last.recorded_at AS "recordedAt", last.witness
FROM ${ledger} AS ledger
LEFT JOIN LATERAL (
  SELECT history.recorded_at, ${witnessExpression(tables, 'history')} AS witness
  FROM ${history} AS history
  WHERE history.partition = ledger.partition AND history.position = ledger.position
  LIMIT 1
) AS last ON true
ORDER BY ledger.partition`,
  };
  return {
    // With one key for all, callers that wait together share one reading.
    lane: { name: 'census', groupSize: 1, inFlight: 2, keyOf: () => '' },
    query: () => ({ statement, values: [] }),
    answers: (rows) => {
      const [first, ...others] = rows;
      if (first === undefined) throw new TypeError(`${names.ledger} has no row.`);
      const last = others.reduce((one, other) => (isLater(other, one) ? other : one), first);
      const counts = sumOf(rows.map((row) => row.counts));
      const place = rows.map(({ position, witness }) => markAt(position, witness));
      return [{ counts, place, partition: last.partition, ...markAt(last.position, last.witness) }];
    },
  };
}

/** Of transitions that were recorded at the same time, the feed has that of the higher partition last. */
function isLater(one: Row, other: Row): boolean {
  return (one.recordedAt?.getTime() ?? 0) >= (other.recordedAt?.getTime() ?? 0);
}

function sumOf(each: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of each) {
    for (const [state, count] of Object.entries(counts)) sum[state] = (sum[state] ?? 0) + count;
  }
  return sum;
}
