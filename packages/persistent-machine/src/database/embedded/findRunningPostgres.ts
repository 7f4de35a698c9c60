/** Finds the PostgreSQL that another process keeps running. It starts none and stops none. */
import { resolve } from 'node:path';

import { APPLICATION, placeOfCluster, readPassword } from './cluster';
import { unlessMissing } from './errors';
import { listProcessesOf, readLockFile } from './remains';
import { urlThrough } from './socketFolder';

/**
 * @param directory a data directory, which may not exist
 * @returns the URL for the application's role, which holds while that PostgreSQL runs; undefined if none runs
 */
export async function findRunningPostgres(directory: string): Promise<string | undefined> {
  const home = resolve(directory);
  const cluster = await unlessMissing(placeOfCluster(home));
  if (cluster === undefined) return undefined;
  const lockFile = await readLockFile(cluster);
  const processes = await listProcessesOf(cluster);
  // A PostgreSQL that was killed leaves the file behind.
  const isRunning = processes.some(({ pid }) => pid === lockFile?.pid);
  if (lockFile?.status !== 'ready' || !isRunning) return undefined;
  return urlThrough(lockFile.socketFolder, APPLICATION, await readPassword(home, APPLICATION));
}
