/** Owns a cluster on disk: making it, recognising it, its passwords; knows no running server. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';

import { ENVIRONMENT, giveTo, pathFromInside, type Account } from './account';
import type { Binaries } from './binaries';
import { EmbeddedPostgresError, reasonOf, unlessMissing, USE_ANOTHER_DATABASE } from './errors';

export const SUPERUSER = 'postgres';
/** The application's role and its database, which bear the same name. */
export const APPLICATION = 'persistent_state_machine';

const UNFINISHED = 'initialising-';
const INITIALISED_WITHIN_MILLISECONDS = 120_000;

/** A cluster by its place on disk. */
export interface ClusterPlace {
  /** PostgreSQL's own data folder. */
  readonly data: string;
  /** What every process of its server shows on its command line, and no other server's does. */
  readonly title: string;
}

/** A cluster that is complete and fits the binaries. */
export interface Cluster extends ClusterPlace {
  /** Where its server writes what it has to tell an operator. */
  readonly logFile: string;
  /** As whom its server runs. */
  readonly account: Account;
  readonly superuserPassword: string;
  readonly applicationPassword: string;
}

/**
 * Where the cluster of a data directory is.
 *
 * @param directory the data directory
 * @returns the path of its folder, which may not exist yet
 */
export function clusterFolder(directory: string): string {
  return join(directory, 'postgres');
}

/**
 * Opens the cluster of a data directory, and makes it first where there is none.
 *
 * @param directory a data directory that this process owns
 * @param account as whom the server runs
 * @param binaries the programs that the cluster must fit
 * @param log is told of what takes time
 * @returns the cluster
 * @throws EmbeddedPostgresError when the cluster is of another major version, or initdb fails
 */
export async function openCluster(
  directory: string,
  account: Account,
  binaries: Binaries,
  log: (message: string) => void,
): Promise<Cluster> {
  const folder = clusterFolder(directory);
  await removeUnfinished(directory);
  if ((await unlessMissing(stat(folder))) === undefined) {
    log(`Making a PostgreSQL ${binaries.majorVersion} cluster in ${folder}.`);
    await makeCluster(directory, account, binaries);
  }
  const data = join(folder, 'data');
  await refuseOtherVersion(folder, data, binaries);
  // A copy or a backup that root has put back belongs to root.
  if ((await stat(folder)).uid !== account.uid) await giveTo(account, folder);
  return {
    ...(await placeOfCluster(directory)),
    logFile: join(directory, 'postgres.log'),
    account,
    superuserPassword: await readPassword(directory, SUPERUSER),
    applicationPassword: await readPassword(directory, APPLICATION),
  };
}

/**
 * Where the cluster of a data directory is, and how its processes are known.
 *
 * @param directory the data directory
 * @throws the system's error, where there is none
 */
export async function placeOfCluster(directory: string): Promise<ClusterPlace> {
  const data = join(clusterFolder(directory), 'data');
  const { dev: device, ino: inode } = await stat(data, { bigint: true });
  return { data, title: `${APPLICATION}[${device}-${inode}]` };
}

/**
 * @param directory the data directory
 * @param role one that the cluster was made with
 */
export async function readPassword(directory: string, role: string): Promise<string> {
  return readFile(passwordFile(clusterFolder(directory), role), 'utf8');
}

/**
 * Removes a cluster whose server has ended. It is renamed first: what an interruption leaves is cleared away by the next
 * start.
 *
 * @param directory a data directory that this process owns
 */
export async function removeCluster(directory: string): Promise<void> {
  const rest = await mkdtemp(join(directory, UNFINISHED));
  await rename(clusterFolder(directory), join(rest, 'cluster'));
  await removeUnfinished(directory);
}

function passwordFile(folder: string, role: string): string {
  return join(folder, `${role}.password`);
}

/** We own the directory, so the process that was at work on these is gone; a last initdb of its may still be writing. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(UNFINISHED)) continue;
    await rm(join(directory, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Built beside and renamed when it is complete: no interruption leaves half a cluster. */
async function makeCluster(directory: string, account: Account, binaries: Binaries): Promise<void> {
  const folder = await mkdtemp(join(directory, UNFINISHED));
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  for (const role of [SUPERUSER, APPLICATION]) {
    const password = randomBytes(24).toString('base64url');
    await writeFile(passwordFile(folder, role), password, { mode: 0o600 });
  }
  await giveTo(account, folder);

  const inside = pathFromInside(account, data);
  const parameters = [
    `--pgdata=${inside}`,
    `--username=${SUPERUSER}`,
    // Not by join, which would take `..` for a step back in the text.
    `--pwfile=${inside}/../${basename(passwordFile(folder, SUPERUSER))}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Sorted by code point, cased by Unicode, both by PostgreSQL itself: no library of this machine decides.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  try {
    await runInitdb(binaries.initdb, parameters, data, account);
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    throw new EmbeddedPostgresError(
      `PostgreSQL could not make a cluster in ${directory}. If it does not help to put right what it ` +
        `says, point DATA_DIR at another directory, or ${USE_ANOTHER_DATABASE}. ${reasonOf(error)}`,
      { cause: error },
    );
  }
  await rename(folder, clusterFolder(directory));
  await flushFolder(directory);
}

async function runInitdb(
  program: string,
  parameters: readonly string[],
  cwd: string,
  { uid, gid }: Account,
): Promise<void> {
  const initdb = spawn(program, parameters, {
    ...{ cwd, uid, gid, env: ENVIRONMENT, timeout: INITIALISED_WITHIN_MILLISECONDS },
    // A session of its own: Ctrl-C in the terminal is meant for us, who stop in order once it is done.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const complaint = text(initdb.stderr);
  const [code, signal] = (await once(initdb, 'close')) as [number | null, string | null];
  if (code !== 0) {
    throw new Error(`initdb ended with ${String(code ?? signal)}: ${await complaint}`);
  }
}

/** What PostgreSQL flushes into the cluster is lost all the same if the cluster's own name is. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function refuseOtherVersion(folder: string, data: string, binaries: Binaries): Promise<void> {
  const version = (await unlessMissing(readFile(join(data, 'PG_VERSION'), 'utf8')))?.trim();
  if (version === binaries.majorVersion) return;
  if (version === undefined) {
    throw new EmbeddedPostgresError(
      `The folder ${folder} is no PostgreSQL cluster of ours: there is no data/PG_VERSION in it. ` +
        `Move it away, point DATA_DIR at another directory, or ${USE_ANOTHER_DATABASE}.`,
    );
  }
  throw new EmbeddedPostgresError(
    `The folder ${folder} was made by PostgreSQL ${version}, and this is PostgreSQL ` +
      `${binaries.majorVersion}, which cannot read it. To keep what is in it, start the version of ` +
      `this application that made it and dump the database with pg_dump; then move the folder away, ` +
      `start this version and restore the dump. Or point DATA_DIR at another directory, or ` +
      `${USE_ANOTHER_DATABASE}.`,
  );
}
