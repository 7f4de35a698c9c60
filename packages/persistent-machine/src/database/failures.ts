/**
 * What a failed statement means for whoever sent it. Knows PostgreSQL's error codes, and nothing of what
 * the statement was for.
 */
import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';

/** Not applied: there was no room for it, for now. Trying again helps. */
export class Overloaded extends Error {
  override readonly name: string = 'Overloaded';
}

/** Not applied: another transaction held a lock for longer than the statement could wait for it. */
export class LockNotAvailable extends Overloaded {
  override readonly name = 'LockNotAvailable';
}

/** Not applied: the database as a whole takes no such statement. Trying again at once does not help. */
export class DatabaseUnavailable extends Error {
  override readonly name: string = 'DatabaseUnavailable';
}

/** Not applied: there is no connection to the database, for now. Trying again helps, once there is one. */
export class Unreachable extends DatabaseUnavailable {
  override readonly name = 'Unreachable';
}

/** Not applied: the tables are not there as the statements know them, or may not be used. */
export class TablesMissing extends DatabaseUnavailable {
  override readonly name = 'TablesMissing';
}

/** A database that cannot be used before a person has mended something: the message says what. */
export class UnusableDatabase extends Error {
  override readonly name = 'UnusableDatabase';
}

/** A database that cannot be used yet, and may be later without anybody changing our settings. */
export class DatabaseNotReady extends Error {
  override readonly name = 'DatabaseNotReady';
}

/** Not applied: what it was to write is not allowed. */
export class RefusedData extends Error {
  override readonly name = 'RefusedData';

  /** @param constraint the violated one, if it has a name */
  constructor(
    readonly constraint: string | undefined,
    options: ErrorOptions,
  ) {
    super('The database refused the data.', options);
  }
}

/** Sent, and the connection was lost before the answer came: applied, or not. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** It could not be found out in time whether a change was applied. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';

  /** @param retryWith the arguments that make trying again safe */
  constructor(
    readonly retryWith: Readonly<Record<string, string>>,
    options: ErrorOptions,
  ) {
    super('It is not known whether the change was applied.', options);
  }
}

/** Whether trying again may help. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof Overloaded || error instanceof Unreachable || error instanceof ConnectionLost
  );
}

/** Something passing was in the way: a deadlock, a time limit, a full house, a plan that no longer fits. */
const PASSING = new Set([
  '0A000', // feature_not_supported: cached plan must not change result type
  '26000', // invalid_sql_statement_name: no such prepared statement
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53300', // too_many_connections
  '57014', // query_canceled: statement_timeout
]);

/** The database takes no changes, or nothing at all. */
const UNAVAILABLE = new Set([
  '25006', // read_only_sql_transaction
  '53100', // disk_full
  '53200', // out_of_memory
]);

/** The tables are not what they were at the start: that was looked at. */
const MISSING = new Set([
  '3F000', // invalid_schema_name
  '42501', // insufficient_privilege
  '42703', // undefined_column
  '42P01', // undefined_table
]);

/**
 * @param error what node-postgres threw after a statement was sent
 * @returns the failure that it stands for; a database error which is none of these, a bug of ours, as it is
 */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) {
    return new ConnectionLost('The connection was lost.', { cause: error });
  }
  const { code = '', constraint, severity } = error;
  if (code === '55P03') return new LockNotAvailable('A lock was not available.', { cause: error });
  if (PASSING.has(code)) return new Overloaded('The database is too busy.', { cause: error });
  if (UNAVAILABLE.has(code)) {
    return new DatabaseUnavailable('The database takes no changes.', { cause: error });
  }
  if (MISSING.has(code)) return new TablesMissing('The tables are missing.', { cause: error });
  if (code === '57P03') return new Unreachable('The database is starting up.', { cause: error });
  if (code.startsWith('22') || code.startsWith('23')) {
    return new RefusedData(constraint, { cause: error });
  }
  // A FATAL ends the connection (57P01, 57P02: the server goes down), and may come after the commit.
  if (severity === 'FATAL' || severity === 'PANIC') {
    return new ConnectionLost('The database closed the connection.', { cause: error });
  }
  return error;
}

/** The database lets nobody in, for now. */
const NOT_NOW = new Set([
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
]);

/** protocol_violation: under this PgBouncer 1.18 tells all that it tells at log-in, be it that its database is away. */
const POOLER = '08P01';

/** The one of them that can only be ours: a setting of the connections that we ask for. */
const OUR_SETTING = 'unsupported startup parameter';

/**
 * Whether a database that could not be connected to, or brought up to date, may let us do so later without
 * anybody changing our settings: it is not there yet, its name is not known yet, it starts, or takes no changes.
 * Where a pooler does not say which in a way that can be relied on, it may.
 *
 * @param error what node-postgres or TypeORM threw, or an error that it caused
 */
export function mayPass(error: unknown): boolean {
  if (error instanceof DatabaseNotReady) return true;
  const { cause } = error instanceof Error ? error : {};
  if (cause !== undefined) return mayPass(cause);
  if (error instanceof QueryFailedError) return mayPass(error.driverError);
  if (error instanceof DatabaseError) {
    const { code = '', severity, message } = error;
    if (code === POOLER) return severity === 'FATAL' && !message.startsWith(OUR_SETTING);
    return NOT_NOW.has(code) || UNAVAILABLE.has(code);
  }
  return error instanceof Error && (isOfSystem(error) || LOST.test(error.message));
}

/** node-postgres has nothing but a message for a connection that it gives up or loses by itself. */
const LOST = /^Connection terminated|timeout|not queryable/;

/** Of the network, or of the name service, as ECONNREFUSED; what begins with ERR is Node's word for a misuse. */
function isOfSystem(error: Error): boolean {
  return 'code' in error && /^E(?!RR_)[A-Z_]+$/.test(String(error.code));
}
