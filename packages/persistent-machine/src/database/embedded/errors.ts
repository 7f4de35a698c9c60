/** The error of the embedded PostgreSQL, and helpers that read errors of the system. It knows none of the reasons. */

/** The embedded PostgreSQL cannot run. The message says what is wrong, and what the operator can do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/** The way out that always exists, for the end of a message. */
export const USE_ANOTHER_DATABASE =
  'set DATABASE_URL to use a PostgreSQL that you run yourself (postgres://user:password@host/database)';

/**
 * The name of a system error.
 *
 * @param error any thrown value
 * @returns the name, such as `ENOENT`, or undefined if the error has none
 */
export function systemErrorName(error: unknown): string | undefined {
  const name = fieldOf(error, 'code');
  return typeof name === 'string' ? name : undefined;
}

/**
 * The message of an error, without its stack.
 *
 * @param error any thrown value
 * @returns its message, or the value itself as text
 */
export function reasonOf(error: unknown): string {
  return String(fieldOf(error, 'message') ?? error);
}

/** Tests the shape, not the class, because in a `vm` context, such as a test's, Node's errors have another class. */
function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}

/**
 * Awaits a file operation, and allows the file to be missing.
 *
 * @param work a promise of a file operation
 * @returns its value, or undefined if the file or folder does not exist
 * @throws every other error of `work`
 */
export async function unlessMissing<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemErrorName(error) === 'ENOENT') return undefined;
    throw error;
  }
}
