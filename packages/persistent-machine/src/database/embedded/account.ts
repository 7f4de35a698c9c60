/** Chooses the account for PostgreSQL's programs, which refuse to run as root. It does not know what they do. */
import { lchown, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EmbeddedPostgresError, unlessMissing, USE_ANOTHER_DATABASE } from './errors';

/** The account of the operating system that runs the server and owns its files. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Whether it is not the account of this process, which then is root. */
  readonly isForeign: boolean;
}

/**
 * Chooses the account for a cluster: our own, unless this process is root. Then it is the cluster's owner, so that one
 * start with sudo does not lock the owner out; or `nobody`, for a new cluster or one that belongs to root.
 *
 * @param clusterFolder where the cluster is or will be
 * @returns the account
 * @throws EmbeddedPostgresError if this process cannot run a server there
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
 * Gives a folder and all that is in it to the account, if the account is not ours.
 *
 * @param account the new owner
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
 * How a program names its working directory. Another account may not pass through a parent folder, such as a home with
 * mode 0700, but it inherits the working directory, and can name it by /proc.
 *
 * @param account of the program
 * @param folder its working directory
 * @returns a path that leads there
 */
export function pathFromInside(account: Account, folder: string): string {
  return account.isForeign ? '/proc/self/cwd' : folder;
}

/**
 * The folder for temporary files that the account must reach.
 *
 * @param account which must reach them
 * @returns a folder for temporary files; root's own may be closed to others, `/tmp` never is
 */
export function temporaryFolder(account: Account): string {
  return account.isForeign ? '/tmp' : tmpdir();
}

/** The programs' environment. Ours may hold secrets, and settings for other servers. */
export const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
