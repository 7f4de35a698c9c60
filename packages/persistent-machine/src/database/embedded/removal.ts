/** Removes a cluster that no process uses, in two steps. It does not know how the caller decides between them. */
import { resolve } from 'node:path';

import { chooseAccount } from './account';
import { clusterFolder, placeOfCluster, removeCluster } from './cluster';
import { unlessMissing } from './errors';
import { takeOwnership } from './ownership';
import { clearRemains } from './remains';
import { chooseSocketFolder } from './socketFolder';

/** A cluster that may be removed. No server can start on it until one of the methods is called. */
export interface Removal {
  /** The folder that `remove` deletes. */
  readonly folder: string;
  remove(): Promise<void>;
  /** Lets servers start again. */
  cancel(): Promise<void>;
}

/**
 * @param directory a data directory, which may not exist
 * @returns undefined if there is no cluster
 * @throws EmbeddedPostgresError if a process uses it, or it belongs to another user
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
      // PostgreSQL may still run if its owner was killed.
      await clearRemains(cluster, chooseSocketFolder(account));
      await removeCluster(home);
      await ownership.release();
    },
    cancel: () => ownership.undo(),
  };
}
