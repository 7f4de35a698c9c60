/** Owns the order in which the embedded PostgreSQL comes and goes; knows of every step only what it is for. */
import { mkdir, rename, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { chooseAccount } from './account';
import { makeApplicationDatabase } from './applicationDatabase';
import { prepareBinaries } from './binaries';
import { APPLICATION, clusterFolder, openCluster, SUPERUSER } from './cluster';
import { EmbeddedPostgresError, reasonOf, unlessMissing, USE_ANOTHER_DATABASE } from './errors';
import { takeOwnership, type Ownership } from './ownership';
import { startPostmaster } from './postmaster';
import { chooseSocketFolder, urlThrough } from './socketFolder';
import { supervise } from './supervisor';

/** What an embedded PostgreSQL needs to know. */
export interface EmbeddedPostgresOptions {
  /** Where everything of it is kept; made if it is missing. One process at a time uses it. */
  readonly directory: string;
  /** Is told of what an operator may want to know. */
  readonly log: (message: string) => void;
  /** Settings of PostgreSQL, such as `{ max_connections: '200' }`, for this run. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL of our own, kept running until it is stopped. */
export interface EmbeddedPostgres {
  /**
   * How to connect as the application's role, which owns its database and is no superuser. A
   * connection breaks when the server is started again; the URL stays the same.
   */
  readonly url: string;
  /** How to connect as the superuser: for tests, which make databases of their own. */
  readonly superuserUrl: string;
  /** Ends the server in order and gives the directory back. Every call waits for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of our own on a directory: the first time it makes the cluster, after a crash
 * it clears away what is left. It installs no handlers of signals: whoever starts it calls `stop`.
 *
 * @param options the directory and what else it needs to know
 * @returns the server, ready for connections
 * @throws EmbeddedPostgresError saying why it does not run, and what to do
 */
export async function startEmbeddedPostgres({
  directory,
  log,
  settings = {},
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = resolve(directory);
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const ownership = await takeOwnership(home);
    try {
      return await startAsOwner(home, ownership, log, settings);
    } catch (error) {
      await ownership.undo();
      throw error;
    }
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL cannot run in ${home}: ${reasonOf(error)}. The directory must be ours ` +
        `to write to, on a disk with space left. Point DATA_DIR at such a one, or ` +
        `${USE_ANOTHER_DATABASE}.`,
      { cause: error },
    );
  }
}

async function startAsOwner(
  home: string,
  ownership: Ownership,
  log: (message: string) => void,
  settings: Readonly<Record<string, string>>,
): Promise<EmbeddedPostgres> {
  const account = await chooseAccount(clusterFolder(home));
  let binaries = await prepareBinaries(account);
  const cluster = await openCluster(home, account, binaries, log);
  const socketFolder = chooseSocketFolder(account);
  const url = urlThrough(socketFolder, APPLICATION, cluster.applicationPassword);
  const superuserUrl = urlThrough(socketFolder, SUPERUSER, cluster.superuserPassword);

  await unlessMissing(rename(cluster.logFile, `${cluster.logFile}.1`));
  const supervision = await supervise(async (signal) => {
    // A copy in the folder for temporary files may have been cleaned away meanwhile.
    const isThere = (await unlessMissing(stat(binaries.postgres))) !== undefined;
    if (!isThere) binaries = await prepareBinaries(account);
    return startPostmaster({ cluster, binaries, socketFolder, settings }, signal);
  }, log);
  try {
    await makeApplicationDatabase(superuserUrl, cluster.applicationPassword);
  } catch (error) {
    await supervision.stop();
    throw error;
  }

  let stopped: Promise<void> | undefined;
  return {
    url,
    superuserUrl,
    stop: () => (stopped ??= supervision.stop().then(() => ownership.release())),
  };
}
