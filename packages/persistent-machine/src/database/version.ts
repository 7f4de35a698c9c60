/** Which versions of PostgreSQL the statements were written for, and which are known to do them wrong. */
import { UnusableDatabase } from './failures';

const OLDEST_MAJOR = 15;
const NEWEST_MAJOR = 18;
/** Concurrent updates of one row, the ledger's above all, had wrong results in these. */
const WRONG = new Set([180_000, 180_001]);

/**
 * @param number as PostgreSQL has it for comparisons
 * @param version as it has it for people
 * @param warn is told of a version that works but should not be relied on
 * @throws UnusableDatabase where it is too old for the schema
 */
export function checkVersion(
  { number, version }: { readonly number: number; readonly version: string },
  warn: (message: string) => void,
): void {
  const major = Math.floor(number / 10_000);
  if (major < OLDEST_MAJOR) {
    throw new UnusableDatabase(
      `PostgreSQL ${version} is too old: ${OLDEST_MAJOR} to ${NEWEST_MAJOR} are supported.`,
    );
  }
  if (major > NEWEST_MAJOR) {
    warn(
      `PostgreSQL ${version} is newer than ${NEWEST_MAJOR}, the last that this was tested with.`,
    );
  }
  if (WRONG.has(number)) {
    warn(`PostgreSQL ${version} loses concurrent updates of one row. Upgrade it to 18.2 or later.`);
  }
}
