/** Reads the census off the ledger: how many machines are in each state. */
import type { Operation } from './Operation';
import { type Place, type Witness, fingerprintOf, witnessExpression } from './place';
import type { MachineTables } from './tables';

/** The counts, and the place of the feed up to which they count. */
export interface Census extends Place {
  readonly counts: Readonly<Record<string, number>>;
}

interface Row extends Pick<Census, 'position' | 'counts'> {
  readonly witness: Witness | null;
}

export function census(tables: MachineTables): Operation<null, Census, Row> {
  const { names, history, ledger } = tables;
  const statement = {
    name: `${names.ledger}/census`,
    text: `
SELECT ledger.position, ledger.counts,
       (SELECT ${witnessExpression(tables, 'history')} FROM ${history} AS history
        WHERE history.position = ledger.position) AS witness
FROM ${ledger} AS ledger`,
  };
  return {
    // With one key for all, callers that wait together share one reading.
    lane: { name: 'census', groupSize: 1, inFlight: 2, keyOf: () => '' },
    query: () => ({ statement, values: [] }),
    answers: (rows) =>
      rows.map(({ position, counts, witness }) => ({
        position,
        counts,
        fingerprint: fingerprintOf(witness),
      })),
  };
}
