/** Owns the order of the steps that start and stop the embedded PostgreSQL. It does not know how a step works. */
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

/** The options of an embedded PostgreSQL. */
export interface EmbeddedPostgresOptions {
  /** The data directory, which is created if it is missing. One process at a time uses it. */
  readonly directory: string;
  /** Called with messages for the operator. */
  readonly log: (message: string) => void;
  /** Settings of PostgreSQL, such as `{ max_connections: '200' }`, for this run. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL of our own, kept running until it is stopped. */
export interface EmbeddedPostgres {
  /**
   * The URL for the application's role, which owns its database and is not a superuser. A restart of the server breaks
   * connections, but does not change the URL.
   */
  readonly url: string;
  /** The URL for the superuser, for tests that create databases. */
  readonly superuserUrl: string;
  /** Ends the server in order, and releases the directory. All calls wait for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of our own in a directory. The first time it creates the cluster, and after a crash it removes
 * the remains. It installs no signal handlers: the caller must call `stop`.
 *
 * @returns the server, ready for connections
 * @throws EmbeddedPostgresError, which says why it does not run, and what to do
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
      `The embedded PostgreSQL cannot run in ${home}: ${reasonOf(error)}. This process must be able to ` +
        `write to the directory, and its disk needs free space. Point DATA_DIR at such a directory, ` +
        `or ${USE_ANOTHER_DATABASE}.`,
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
    // A cleaner of temporary files may have removed a copy meanwhile.
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
