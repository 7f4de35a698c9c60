/** Creates and recognises a cluster on disk, and keeps its passwords. It knows no running server. */
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
/** The name of both the application's role and its database. */
export const APPLICATION = 'persistent_state_machine';

const UNFINISHED = 'initialising-';
const INITIALISED_WITHIN_MILLISECONDS = 120_000;

/** A cluster by its place on disk. */
export interface ClusterPlace {
  /** PostgreSQL's own data folder. */
  readonly data: string;
  /** A text on the command line of each process of its server, and of no other server's. */
  readonly title: string;
}

/** A cluster that is complete and fits the binaries. */
export interface Cluster extends ClusterPlace {
  /** The server's log. */
  readonly logFile: string;
  /** The account that runs its server. */
  readonly account: Account;
  readonly superuserPassword: string;
  readonly applicationPassword: string;
}

/**
 * The folder of the cluster of a data directory.
 *
 * @param directory the data directory
 * @returns a path, which may not exist yet
 */
export function clusterFolder(directory: string): string {
  return join(directory, 'postgres');
}

/**
 * Opens the cluster of a data directory, and creates it first if there is none.
 *
 * @param directory a data directory that this process owns
 * @param account which runs the server
 * @param binaries the programs that the cluster must fit
 * @param log called before what takes time
 * @returns the cluster
 * @throws EmbeddedPostgresError if the cluster is of another major version, or initdb fails
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
    log(`Creating a PostgreSQL ${binaries.majorVersion} cluster in ${folder}.`);
    await makeCluster(directory, account, binaries);
  }
  const data = join(folder, 'data');
  await refuseOtherVersion(folder, data, binaries);
  // A backup that root restored belongs to root.
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

/** Removes half-made clusters. Their process is gone, since we own the directory, but its initdb may still write. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(UNFINISHED)) continue;
    await rm(join(directory, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Renames the cluster when it is complete, so that an interruption leaves no half-made one. */
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
    // Not by `join`, which would resolve the `..`.
    `--pwfile=${inside}/../${basename(passwordFile(folder, SUPERUSER))}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own collation by code point, so that no library of this machine decides the order.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  try {
    await runInitdb(binaries.initdb, parameters, data, account);
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    throw new EmbeddedPostgresError(
      `PostgreSQL could not create a cluster in ${directory}. Correct what it says, point DATA_DIR at ` +
        `another directory, or ${USE_ANOTHER_DATABASE}. ${reasonOf(error)}`,
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
    // A session of its own, because Ctrl-C in the terminal must reach only us: we stop in order when initdb is done.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const complaint = text(initdb.stderr);
  const [code, signal] = (await once(initdb, 'close')) as [number | null, string | null];
  if (code !== 0) {
    throw new Error(`initdb ended with ${String(code ?? signal)}: ${await complaint}`);
  }
}

/** Flushes the rename: without the folder's name, all that PostgreSQL flushes into it would be lost. */
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
      `The folder ${folder} is not a PostgreSQL cluster of ours: it has no data/PG_VERSION. ` +
        `Move it away, point DATA_DIR at another directory, or ${USE_ANOTHER_DATABASE}.`,
    );
  }
  throw new EmbeddedPostgresError(
    `The folder ${folder} was made by PostgreSQL ${version}, but this is PostgreSQL ` +
      `${binaries.majorVersion}, which cannot read it. To keep what is in it, start the version of ` +
      `this application that made it and dump the database with pg_dump; then move the folder away, ` +
      `start this version and restore the dump. Or point DATA_DIR at another directory, or ` +
      `${USE_ANOTHER_DATABASE}.`,
  );
}
