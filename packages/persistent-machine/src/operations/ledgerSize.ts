/** Reads the size of the ledger's table. */
import type { Operation } from './Operation';
import type { MachineTables } from './tables';

interface Row {
  readonly size: string;
}

/** @returns an operation that answers with the size in bytes */
export function ledgerSize({
  names,
  ledger,
  isDistributed,
}: MachineTables): Operation<null, number, Row> {
  const statement = {
    name: `${names.ledger}/size`,
    // The coordinator's own part of a distributed table is empty.
    text: `SELECT ${isDistributed ? 'citus_table_size' : 'pg_table_size'}($1::regclass) AS size`,
  };
  return {
    // Concurrent scrapes of the metrics share one connection.
    lane: { name: 'ledger size', groupSize: 1, inFlight: 1, keyOf: () => '', isAside: true },
    query: () => ({ statement, values: [ledger] }),
    answers: (rows) => rows.map(({ size }) => Number(size)),
  };
}
