/** How large the ledger's table is. */
import type { Operation } from './Operation';
import type { MachineTables } from './tables';

interface Row {
  readonly size: string;
}

/** @returns an operation that answers in bytes */
export function ledgerSize({ names, ledger }: MachineTables): Operation<null, number, Row> {
  const statement = {
    name: `${names.ledger}/size`,
    text: 'SELECT pg_table_size($1::regclass) AS size',
  };
  return {
    // However many look at the metrics, they take one connection.
    lane: { name: 'ledger size', groupSize: 1, inFlight: 1, keyOf: () => '', isAside: true },
    query: () => ({ statement, values: [ledger] }),
    answers: (rows) => rows.map(({ size }) => Number(size)),
  };
}
