/** Owns the folder of the socket that clients connect to: a short path that only one user may enter. */
import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { temporaryFolder, type Account } from './account';
import { EmbeddedPostgresError, systemErrorName } from './errors';

/** No port is opened: it is only a part of the socket's name, and of every URL. */
export const PORT = 5432;
/** The socket's name, which PostgreSQL and its clients derive from the port. */
export const SOCKET = `.s.PGSQL.${PORT}`;

/** What the kernel can hold of a socket's path, in bytes: 104 on macOS and 108 on Linux, with a closing zero. */
const LONGEST_PATH = 103;

/**
 * Chooses the folder: outside the data directory, whose path may be too long for a socket, and random,
 * so that two data directories never meet and nobody can be there first.
 *
 * @param account who must reach it
 * @returns a path where nothing is yet
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
 * @returns whether it is such a one
 */
export function isSocketFolder(folder: string): boolean {
  return /^persistent-state-machine-[0-9a-f]{12}$/.test(basename(folder));
}

/**
 * Makes the folder, for the first time or after somebody has emptied the folder for temporary files.
 *
 * @param folder a path from `chooseSocketFolder`
 * @param account whom the folder is for, alone
 * @throws EmbeddedPostgresError when somebody else has taken the name meanwhile
 */
export async function makeSocketFolder(folder: string, account: Account): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (systemErrorName(error) !== 'EEXIST') throw error;
  }
  const found = await lstat(folder);
  if (!found.isDirectory() || ![process.getuid?.(), account.uid].includes(found.uid)) {
    throw new EmbeddedPostgresError(`${folder} is not ours: somebody else has made it. Remove it.`);
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
