/** Lets one process at a time use a data directory. It does not know what is kept there. */
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

/** The right of this process to use a data directory. The process calls one of its methods, once. */
export interface Ownership {
  /** Leaves the directory free. */
  release(): Promise<void>;
  /** Restores the record of the last owner, which may run after all, in another container. */
  undo(): Promise<void>;
}

/**
 * Makes this process the owner of a data directory, unless its owner still runs.
 *
 * The folder `owner` holds exactly one file, whose *name* is the record: the owner's pid and mark, or `free`. A process
 * takes over by renaming that file, which is a compare-and-swap: of several processes that saw the same owner gone,
 * only one still finds the old name, and none can rename the record of a running owner.
 *
 * @param directory the data directory, which exists
 * @returns the right to use it, until it is released or this process ends
 * @throws EmbeddedPostgresError if a running process owns it; the message gives its pid
 */
export async function takeOwnership(directory: string): Promise<Ownership> {
  const folder = join(directory, 'owner');
  const ours = join(folder, `${process.pid}-${(await markOfProcess(process.pid)) ?? ''}`);
  // A retry means that another process was faster. A hundred of them mean that the folder is broken.
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
    `The owner of the data directory ${directory} cannot be determined. When no process uses it any ` +
      `more, delete the folder ${folder}.`,
  );
}

function ownershipOf(ours: string, before: string): Ownership {
  // The record is missing if the data directory was deleted.
  const leave = async (record: string): Promise<void> => {
    await unlessMissing(rename(ours, join(dirname(ours), record)));
  };
  return { release: () => leave(FREE), undo: () => leave(before) };
}

/** Renames a folder with the first record in it, so that other processes never see the folder empty. */
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
