/** Which versions of PostgreSQL are supported, and which have a bug that concerns us. */
import { UnusableDatabase } from './failures';

const OLDEST_MAJOR = 15;
const NEWEST_MAJOR = 18;
/** Versions in which concurrent updates of one row, such as the ledger's, have wrong results. */
const BROKEN = new Set([180_000, 180_001]);

/**
 * @param number PostgreSQL's server_version_num, for comparisons
 * @param version PostgreSQL's server_version, for people
 * @param warn called for a version that is too new or has the bug
 * @throws UnusableDatabase if the version is too old for the schema
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
    warn(`PostgreSQL ${version} is newer than ${NEWEST_MAJOR}, the last version that was tested.`);
  }
  if (BROKEN.has(number)) {
    warn(`PostgreSQL ${version} loses concurrent updates of one row. Upgrade it to 18.2 or later.`);
  }
}
