/** Owns the folder of the socket: a short path that only one user may enter. It does not know who connects. */
import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { temporaryFolder, type Account } from './account';
import { EmbeddedPostgresError, systemErrorName } from './errors';

/** Only a part of the socket's name and of the URLs: no port is opened. */
export const PORT = 5432;
/** The socket's name, which PostgreSQL and its clients derive from the port. */
export const SOCKET = `.s.PGSQL.${PORT}`;

/** The longest path of a socket, in bytes. macOS allows 104 and Linux 108, with a closing zero. */
const LONGEST_PATH = 103;

/**
 * Chooses the folder. It lies outside the data directory, whose path may be too long for a socket. Its name is random,
 * so that two data directories never share it, and no other user can create it first.
 *
 * @param account which must reach it
 * @returns a path where nothing exists yet
 */
export function chooseSocketFolder(account: Account): string {
  const name = `persistent-state-machine-${randomBytes(6).toString('hex')}`;
  const folder = join(temporaryFolder(account), name);
  return Buffer.byteLength(join(folder, SOCKET)) <= LONGEST_PATH ? folder : join('/tmp', name);
}

/**
 * Recognises a path that `chooseSocketFolder` has chosen, now or in an earlier process.
 *
 * @param folder any path
 * @returns whether it is such a path
 */
export function isSocketFolder(folder: string): boolean {
  return /^persistent-state-machine-[0-9a-f]{12}$/.test(basename(folder));
}

/**
 * Creates the folder, if it does not exist or a cleaner removed it.
 *
 * @param folder a path from `chooseSocketFolder`
 * @param account the only one that may enter it
 * @throws EmbeddedPostgresError if another user has taken the name meanwhile
 */
export async function makeSocketFolder(folder: string, account: Account): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (systemErrorName(error) !== 'EEXIST') throw error;
  }
  const found = await lstat(folder);
  if (!found.isDirectory() || ![process.getuid?.(), account.uid].includes(found.uid)) {
    throw new EmbeddedPostgresError(`${folder} belongs to another user. Remove it.`);
  }
  await chown(folder, account.uid, account.gid);
}

/**
 * @param folder where a server has its socket
 * @param role of whom the database of that name is
 * @returns how to connect there
 */
export function urlThrough(folder: string, role: string, password: string): string {
  return `postgres://${role}:${password}@${encodeURIComponent(folder)}:${PORT}/${role}`;
}
