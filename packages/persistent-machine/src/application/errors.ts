/** The errors that keep an application from starting, and which of them the operator can fix. Knows no exit codes. */
import type { Configuration } from '../config';
import { EmbeddedPostgresError } from '../database/embedded';
import { UnusableDatabase } from '../database/failures';

/** Something that the configuration names cannot be used. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Whether the operator can fix the error. If so, its message is printed without a stack. */
export function isForPeople(error: unknown): error is Error {
  return (
    error instanceof StartError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof UnusableDatabase
  );
}

/** @throws StartError, where it cannot be listened on, which names the variables that say where */
export async function listening<T>(
  starting: Promise<T>,
  { host, port }: Pick<Configuration, 'host' | 'port'>,
): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const sentence = `HOST=${host} and PORT=${port} cannot be listened on: ${reason}`;
    throw new StartError(sentence, { cause: error });
  }
}
