/** Owns as whom the programs of PostgreSQL run, since they refuse to run as root; knows nothing of what they do. */
import { lchown, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EmbeddedPostgresError, unlessMissing, USE_ANOTHER_DATABASE } from './errors';

/** The account of the operating system that the server runs as, and that its files belong to. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Whether it is another account than this process has: this process is root, and the server is not. */
  readonly isForeign: boolean;
}

/**
 * Chooses the account for a cluster: our own; as root the one that owns the cluster, so that a start
 * with sudo takes it away from nobody; for a new cluster, or one that belongs to root, `nobody`.
 *
 * @param clusterFolder where the cluster is or will be
 * @returns the account
 * @throws EmbeddedPostgresError when this process can run no server there
 */
export async function chooseAccount(clusterFolder: string): Promise<Account> {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  if (uid === undefined || gid === undefined || (uid === 0 && process.platform !== 'linux')) {
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL runs on Linux, and on macOS as an ordinary user, not here: ` +
        `${USE_ANOTHER_DATABASE}.`,
    );
  }
  const owner = await unlessMissing(stat(clusterFolder));
  if (uid === 0) {
    if (owner !== undefined && owner.uid !== 0) {
      return { uid: owner.uid, gid: owner.gid, isForeign: true };
    }
    return { ...(await findNobody()), isForeign: true };
  }
  if (owner !== undefined && owner.uid !== uid) {
    throw new EmbeddedPostgresError(
      `The folder ${clusterFolder} belongs to the user ${owner.uid}, and this process runs as the ` +
        `user ${uid}. Start it as that user or as root, point DATA_DIR at another directory, or ` +
        `${USE_ANOTHER_DATABASE}.`,
    );
  }
  return { uid, gid, isForeign: false };
}

async function findNobody(): Promise<{ uid: number; gid: number }> {
  const accounts = (await unlessMissing(readFile('/etc/passwd', 'utf8'))) ?? '';
  const [, uid = 65534, gid = 65534] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(accounts) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Makes a folder and all that is in it the account's own, where it is not ours.
 *
 * @param account whose it becomes
 * @param folder an existing folder
 */
export async function giveTo(account: Account, folder: string): Promise<void> {
  if (!account.isForeign) return;
  for (const path of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, path), account.uid, account.gid);
  }
  await lchown(folder, account.uid, account.gid);
}

/**
 * How a program names the folder that it is started in. Another account may be unable to pass through
 * a parent of that folder (a home with mode 0700): it inherits it as its working directory, and names
 * it by that.
 *
 * @param account as whom the program runs
 * @param folder the working directory that it is started with
 * @returns a path that leads there
 */
export function pathFromInside(account: Account, folder: string): string {
  return account.isForeign ? '/proc/self/cwd' : folder;
}

/**
 * Where to put what the account must reach by a path.
 *
 * @param account who must reach it
 * @returns a folder for temporary files; root's own may be closed to others, `/tmp` never is
 */
export function temporaryFolder(account: Account): string {
  return account.isForeign ? '/tmp' : tmpdir();
}

/** All that the programs get to see of our environment, which may hold secrets and settings for other servers. */
export const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
