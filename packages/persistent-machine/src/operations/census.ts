/** The census: how many machines are in each state, read off the ledger. */
import type { Operation } from './Operation';
import { type Place, type Witness, fingerprintOf, witnessExpression } from './place';
import type { MachineTables } from './tables';

/** How many machines are in each state, and up to which place of the feed that is counted. */
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
    // All who ask at once are answered from one reading.
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
