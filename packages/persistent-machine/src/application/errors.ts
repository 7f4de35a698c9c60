/** The errors that keep an application from starting, and which of them the operator can fix. Knows no exit codes. */
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
