/** Owns who may use a data directory: one process at a time; knows nothing of what is kept there. */
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import {
  EmbeddedPostgresError,
  systemErrorName,
  unlessMissing,
  USE_ANOTHER_DATABASE,
} from './errors';
import { markOfProcess } from './processes';

const FREE = 'free';

/** The right of this process to use a data directory. One of its methods is called, once. */
export interface Ownership {
  /** Leaves the directory free. */
  release(): Promise<void>;
  /** Leaves it as it was, with its last owner on record: in another container it may run after all. */
  undo(): Promise<void>;
}

/**
 * Makes this process the owner of a data directory, unless its owner still runs.
 *
 * The folder `owner` holds exactly one file, whose *name* is the record: the owner's pid and mark, or
 * `free`. It changes hands by renaming that file. Of several processes that see the same owner gone
 * only one finds the old name still there, and none can rename the record of an owner that runs by mistake,
 * because it has another name.
 *
 * @param directory the data directory, which exists
 * @returns the right to use it, until it is released or this process ends
 * @throws EmbeddedPostgresError when a process that runs owns it; the message gives its pid
 */
export async function takeOwnership(directory: string): Promise<Ownership> {
  const folder = join(directory, 'owner');
  const ours = join(folder, `${process.pid}-${(await markOfProcess(process.pid)) ?? ''}`);
  // Every further attempt means that somebody else has just made a step; a hundred are a broken folder.
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const records = (await unlessMissing(readdir(folder))) ?? [];
    const record = records.find((name) => /^(\d+-.*|free)$/.test(name));
    if (record === undefined) {
      if (await createRecord(directory, ours)) return ownershipOf(ours, FREE);
    } else {
      await refuseRunningOwner(directory, record);
      if (await renamed(join(folder, record), ours, ['ENOENT'])) return ownershipOf(ours, record);
    }
  }
  throw new EmbeddedPostgresError(
    `It cannot be told who owns the data directory ${directory}. When no process uses it any more, ` +
      `delete the folder ${folder}.`,
  );
}

function ownershipOf(ours: string, before: string): Ownership {
  // Missing: somebody has deleted the data directory.
  const leave = async (record: string): Promise<void> => {
    await unlessMissing(rename(ours, join(dirname(ours), record)));
  };
  return { release: () => leave(FREE), undo: () => leave(before) };
}

/** The first record arrives together with its folder, so that the folder is never seen without one. */
async function createRecord(directory: string, record: string): Promise<boolean> {
  const prepared = await mkdtemp(join(directory, 'owner-'));
  await writeFile(join(prepared, basename(record)), '');
  const isFirst = await renamed(prepared, dirname(record), ['ENOTEMPTY', 'EEXIST']);
  if (!isFirst) await rm(prepared, { recursive: true });
  return isFirst;
}

async function renamed(from: string, to: string, whenLost: string[]): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (whenLost.includes(systemErrorName(error) ?? '')) return false;
    throw error;
  }
}

async function refuseRunningOwner(directory: string, record: string): Promise<void> {
  const [, pid, mark] = /^(\d+)-(.*)$/.exec(record) ?? [];
  if (pid === undefined || (await markOfProcess(Number(pid))) !== mark) return;
  throw new EmbeddedPostgresError(
    `The data directory ${directory} is in use by the process ${pid}. Stop that process first, ` +
      `or give this one a directory of its own with DATA_DIR, or ${USE_ANOTHER_DATABASE}.`,
  );
}
