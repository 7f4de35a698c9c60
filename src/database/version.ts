/** Which versions of PostgreSQL the statements were written for, and which are known to do them wrong. */
import type { DataSource } from 'typeorm';

const OLDEST_MAJOR = 15;
const NEWEST_MAJOR = 18;
/** Concurrent updates of one row, the ledger's above all, had wrong results in these. */
const WRONG = new Set([180_000, 180_001]);

/** A server that is too old for the schema. */
export class UnsupportedVersion extends Error {
  override readonly name = 'UnsupportedVersion';
}

/**
 * @param dataSource initialized
 * @param warn is told of a version that works but should not be relied on
 * @throws UnsupportedVersion
 */
export async function checkVersion(
  dataSource: DataSource,
  warn: (message: string) => void,
): Promise<void> {
  const [row] = await dataSource.query<{ number: number; version: string }[]>(
    `SELECT current_setting('server_version_num')::integer AS number,
            current_setting('server_version') AS version`,
  );
  // A SELECT without FROM has one row.
  const { number, version } = row ?? { number: 0, version: 'unknown' };
  const major = Math.floor(number / 10_000);
  if (major < OLDEST_MAJOR) {
    throw new UnsupportedVersion(
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
