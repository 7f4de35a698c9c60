/**
 * Classifies the failures of statements by PostgreSQL's error codes: whether the statement was applied, and whether a
 * retry helps. It does not know what a statement was for.
 */
import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';

/** Not applied: there is too much to do at present. A retry helps. */
export class Overloaded extends Error {
  override readonly name: string = 'Overloaded';
}

/** Not applied: another transaction held a lock for longer than the statement waits. */
export class LockNotAvailable extends Overloaded {
  override readonly name = 'LockNotAvailable';
}

/** Not applied: the statement took longer than it may. */
export class TimedOut extends Overloaded {
  override readonly name = 'TimedOut';
}

/** Not applied: the database refuses such statements altogether. An immediate retry does not help. */
export class DatabaseUnavailable extends Error {
  override readonly name: string = 'DatabaseUnavailable';
}

/** Not applied: the database cannot be reached at present. A retry helps once it can. */
export class Unreachable extends DatabaseUnavailable {
  override readonly name = 'Unreachable';
}

/** Not applied: the tables are missing, or other than the statement expects, or the role may not use them. */
export class TablesMissing extends DatabaseUnavailable {
  override readonly name = 'TablesMissing';
}

/** A database that cannot be used until an operator changes something. The message says what. */
export class UnusableDatabase extends Error {
  override readonly name = 'UnusableDatabase';
}

/** A database that cannot be used yet, but may come up without a change of our settings. */
export class DatabaseNotReady extends Error {
  override readonly name = 'DatabaseNotReady';
}

/** Not applied: a constraint or a type refused the data. */
export class RefusedData extends Error {
  override readonly name = 'RefusedData';

  /** @param constraint the violated one, if it has a name */
  constructor(
    readonly constraint: string | undefined,
    options: ErrorOptions,
  ) {
    super('The database refused the data.', options);
  }

  /**
   * Whether the constraint with this name was violated. Of a distributed table only PostgreSQL's message names it, as
   * its shard has it: with the shard's number, and cut and with a hash if it would be too long.
   */
  violates(name: string): boolean {
    if (this.constraint !== undefined) return this.constraint === name;
    const message = this.cause instanceof Error ? this.cause.message : '';
    return [...message.matchAll(/(\w+?)(?:_[0-9a-f]{8})?_\d+\b/g)].some(
      ([, found = '']) => found === name || (found.length >= 40 && name.startsWith(found)),
    );
  }
}

/** The connection was lost before the answer came. The statement may have been applied. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** The store could not find out in time whether a change was applied. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';

  /** @param retryWith the arguments with which the caller can retry safely */
  constructor(
    readonly retryWith: Readonly<Record<string, string>>,
    options: ErrorOptions,
  ) {
    super('It is not known whether the change was applied.', options);
  }
}

/** Whether a retry may help. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof Overloaded || error instanceof Unreachable || error instanceof ConnectionLost
  );
}

/** The obstacle passes: a deadlock, a timeout, too many connections, a plan that no longer fits. */
const PASSING = new Set([
  '0A000', // feature_not_supported: cached plan must not change result type
  '26000', // invalid_sql_statement_name: no such prepared statement
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53300', // too_many_connections
]);

/** The database accepts no changes, or no statements at all. */
const UNAVAILABLE = new Set([
  '25006', // read_only_sql_transaction
  '53100', // disk_full
  '53200', // out_of_memory
]);

/** The tables have changed since the checks at start. */
const MISSING = new Set([
  '3F000', // invalid_schema_name
  '42501', // insufficient_privilege
  '42703', // undefined_column
  '42P01', // undefined_table
]);

/**
 * @param error what node-postgres threw after a statement was sent
 * @returns the failure that it means; a database error that means none of them is a bug of ours, and returned as it is
 */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) {
    return new ConnectionLost('The connection was lost.', { cause: error });
  }
  const { code = '', constraint, severity, message } = error;
  if (code === '55P03') return new LockNotAvailable('A lock was not available.', { cause: error });
  if (code === '57014') return new TimedOut('The statement took too long.', { cause: error });
  if (PASSING.has(code)) return new Overloaded('The database is too busy.', { cause: error });
  if (UNAVAILABLE.has(code)) {
    return new DatabaseUnavailable('The database takes no changes.', { cause: error });
  }
  if (MISSING.has(code)) return new TablesMissing('The tables are missing.', { cause: error });
  if (code === '57P03') return new Unreachable('The database is starting up.', { cause: error });
  if (code.startsWith('22') || code.startsWith('23')) {
    return new RefusedData(constraint, { cause: error });
  }
  // A FATAL ends the connection, and may arrive after the commit (57P01, 57P02: the server shuts down).
  if (severity === 'FATAL' || severity === 'PANIC') {
    return new ConnectionLost('The database closed the connection.', { cause: error });
  }
  // Nothing was sent to the node, so the coordinator has not committed either.
  if (code === NODE_FAILURE && NOT_CONNECTED.test(message)) {
    return new Unreachable('A node of the cluster cannot be reached.', { cause: error });
  }
  if (code === NODE_FAILURE || code.startsWith('57P') || NODE_LOST.test(message)) {
    return new ConnectionLost('A node of the cluster was lost.', { cause: error });
  }
  return error;
}

/** connection_failure: a coordinator of Citus passes on that its connection to a node failed. */
const NODE_FAILURE = '08006';

/** What the coordinator says if it could not even connect. */
const NOT_CONNECTED =
  /failed with the following error: (?:Connection refused|No route to host|Network is unreachable|could not translate host name|.*the database system is )/;

/**
 * How Citus's messages begin, which have no code of their own, where it loses a node at the commit or while it sends
 * rows. The node may have committed, now or later.
 */
const NODE_LOST = new RegExp(
  [
    '^could not (?:commit transaction for shard|establish|connect|flush copy|start copy)',
    'failed to COPY',
    'failure on connection',
    'server closed the connection',
    'connection (?:to the remote node|not open|lost)',
  ].join('|^'),
);

/**
 * Whether a failure means that the database does not answer. An error that leaves the session open is an answer, such
 * as that a node of the cluster is away.
 */
export function isLoss(failure: unknown): failure is Unreachable | ConnectionLost {
  if (!(failure instanceof Unreachable || failure instanceof ConnectionLost)) return false;
  return !(failure.cause instanceof DatabaseError && failure.cause.severity === 'ERROR');
}

/** The database accepts no connections at present. */
const NOT_NOW = new Set([
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
]);

/** protocol_violation: PgBouncer 1.18 reports every failure at log-in with this code, even a database that is away. */
const POOLER = '08P01';

/** The only one of these messages that our own settings cause. */
const OUR_SETTING = 'unsupported startup parameter';

/**
 * Whether connecting or migrating may succeed later without a change of our settings: the database or its host name
 * does not exist yet, or it is starting, or read-only. True also where a pooler does not give the reason.
 *
 * @param error from node-postgres or TypeORM, or caused by such an error
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
  return error instanceof Error && (isSystemError(error) || LOST.test(error.message));
}

/** node-postgres gives no code, only a message, for a connection that it loses or gives up. */
const LOST = /^Connection terminated|timeout|not queryable/;

/** Whether an error comes from the network or name service, such as ECONNREFUSED. ERR_… codes mean misuse of Node. */
function isSystemError(error: Error): boolean {
  return 'code' in error && /^E(?!RR_)[A-Z_]+$/.test(String(error.code));
}
