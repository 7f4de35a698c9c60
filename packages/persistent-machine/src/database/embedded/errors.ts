/** Owns the error that tells an operator why the embedded PostgreSQL does not run, and reading errors of the system; knows none of the reasons. */

/** The embedded PostgreSQL cannot run. The message says what is wrong and what a person can do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/** The way out that is always there, for the end of a message. */
export const USE_ANOTHER_DATABASE =
  'set DATABASE_URL to use a PostgreSQL that you run yourself (postgres://user:password@host/database)';

/**
 * The name of a system error.
 *
 * @param error whatever was thrown
 * @returns the name, such as `ENOENT`, or undefined where the error has none
 */
export function systemErrorName(error: unknown): string | undefined {
  const name = fieldOf(error, 'code');
  return typeof name === 'string' ? name : undefined;
}

/**
 * What an error says, without its stack.
 *
 * @param error whatever was thrown
 * @returns its message, or itself as text
 */
export function reasonOf(error: unknown): string {
  return String(fieldOf(error, 'message') ?? error);
}

/** By shape, not by class: an error of Node itself is no `Error` of a virtual machine context, such as a test's. */
function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}

/**
 * Waits for what may be missing.
 *
 * @param work a promise of something on disk
 * @returns its value, or undefined where the file or folder is not there
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
