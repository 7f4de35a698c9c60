/**
 * What a failed statement means for whoever sent it. Knows PostgreSQL's error codes, and nothing of what
 * the statement was for.
 */
import { DatabaseError } from 'pg';

/** The statement was certainly not applied: the database is not there, read-only, or full. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/** The statement was certainly not applied: there was no room for it in time. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';
}

/** The statement was sent, and the connection was lost before its outcome was known. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** Not applied, since something passing was in the way: a deadlock, a time limit, a full house. */
const PASSING = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53300', // too_many_connections
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
]);

/** Not applied, since the database as a whole takes none for now. */
const UNAVAILABLE = new Set([
  '25006', // read_only_sql_transaction
  '53100', // disk_full
  '53200', // out_of_memory
  '57P03', // cannot_connect_now: starting up or shutting down
]);

/**
 * @param error what node-postgres threw after a statement was sent
 * @returns the failure that it stands for; a database error which is none of these (a violated constraint,
 *   a bug of ours) as it is
 */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) {
    return new ConnectionLost('The connection was lost after the statement was sent.', {
      cause: error,
    });
  }
  const code = error.code ?? '';
  if (PASSING.has(code)) return new Overloaded('The database is too busy.', { cause: error });
  if (UNAVAILABLE.has(code)) {
    return new DatabaseUnavailable('The database takes no statements.', { cause: error });
  }
  // A FATAL ends the connection (57P01, 57P02: the server goes down) and may come after the commit.
  if (error.severity === 'FATAL' || error.severity === 'PANIC') {
    return new ConnectionLost('The database closed the connection.', { cause: error });
  }
  return error;
}
