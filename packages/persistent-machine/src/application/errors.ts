/** What may keep an application from starting, and which of it a person can mend. */
import { EmbeddedPostgresError } from '../database/embedded';
import { UnusableDatabase } from '../database/failures';

/** Something that the configuration names cannot be had. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What a person can mend is told in a sentence; anything else with its stack. */
export function isForPeople(error: unknown): error is Error {
  return (
    error instanceof StartError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof UnusableDatabase
  );
}
