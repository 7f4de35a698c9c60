/** Owns removing a cluster that no process uses, in two steps; knows not who decides between them. */
import { resolve } from 'node:path';

import { chooseAccount } from './account';
import { clusterFolder, placeOfCluster, removeCluster } from './cluster';
import { unlessMissing } from './errors';
import { takeOwnership } from './ownership';
import { clearRemains } from './remains';
import { chooseSocketFolder } from './socketFolder';

/** A cluster that may be removed: until one of the methods is called, no server starts on it. */
export interface Removal {
  /** What is removed. */
  readonly folder: string;
  remove(): Promise<void>;
  /** Leaves everything as it was. */
  cancel(): Promise<void>;
}

/**
 * @param directory a data directory, which may not exist
 * @returns undefined where there is no cluster
 * @throws EmbeddedPostgresError when a process uses it, or it belongs to another user
 */
export async function prepareRemoval(directory: string): Promise<Removal | undefined> {
  const home = resolve(directory);
  const folder = clusterFolder(home);
  const cluster = await unlessMissing(placeOfCluster(home));
  if (cluster === undefined) return undefined;
  const account = await chooseAccount(folder);
  const ownership = await takeOwnership(home);
  return {
    folder,
    remove: async () => {
      // Of a process that was killed, the server may still run.
      await clearRemains(cluster, chooseSocketFolder(account));
      await removeCluster(home);
      await ownership.release();
    },
    cancel: () => ownership.undo(),
  };
}
