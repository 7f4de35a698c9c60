/** Owns finding a server that another process keeps running; starts none and ends none. */
import { resolve } from 'node:path';

import { APPLICATION, placeOfCluster, readPassword } from './cluster';
import { unlessMissing } from './errors';
import { listProcessesOf, readLockFile } from './remains';
import { urlThrough } from './socketFolder';

/**
 * @param directory a data directory, which may not exist
 * @returns how to connect as the application's role, for as long as that server runs; undefined where none does
 */
export async function findRunningPostgres(directory: string): Promise<string | undefined> {
  const home = resolve(directory);
  const cluster = await unlessMissing(placeOfCluster(home));
  if (cluster === undefined) return undefined;
  const lockFile = await readLockFile(cluster);
  const processes = await listProcessesOf(cluster);
  // A server that was killed has left the file behind.
  const isRunning = processes.some(({ pid }) => pid === lockFile?.pid);
  if (lockFile?.status !== 'ready' || !isRunning) return undefined;
  return urlThrough(lockFile.socketFolder, APPLICATION, await readPassword(home, APPLICATION));
}
