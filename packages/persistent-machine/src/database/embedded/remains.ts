/** Owns ending a cluster's server and clearing away what it leaves; knows not why it ended. */
import { once } from 'node:events';
import { open, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ClusterPlace } from './cluster';
import { EmbeddedPostgresError, unlessMissing, USE_ANOTHER_DATABASE } from './errors';
import { listPostgresProcesses, markOfProcess, type PostgresProcess } from './processes';
import { isSocketFolder, SOCKET } from './socketFolder';

const POLL_MILLISECONDS = 10;

/** Each step is given its time, in milliseconds, before the next one is taken. */
const WAYS_TO_END = [
  // Fast: breaks connections off, writes a checkpoint.
  { signal: 'SIGINT', patience: 10_000 },
  // At once: the next start recovers from the log. After five seconds the postmaster kills its children.
  { signal: 'SIGQUIT', patience: 7_000 },
  { signal: 'SIGKILL', patience: 5_000 },
] as const;

/** What a server writes into its data folder about itself. */
export interface LockFile {
  readonly pid: number;
  readonly socketFolder: string;
  /** `starting`, `ready`, `stopping` or `standby`. */
  readonly status: string;
}

/**
 * Reads `postmaster.pid`.
 *
 * @param cluster whose server
 * @returns what a server wrote there, whether it still runs or not; undefined where there is none
 */
export async function readLockFile(cluster: ClusterPlace): Promise<LockFile | undefined> {
  const text = await unlessMissing(readFile(join(cluster.data, 'postmaster.pid'), 'utf8'));
  if (text === undefined) return undefined;
  const lines = text.split('\n').map((line) => line.trim());
  return { pid: Number(lines[0]), socketFolder: lines[4] ?? '', status: lines[7] ?? '' };
}

/**
 * Waits until something is so.
 *
 * @param isSo asked again and again
 * @param patience how long to wait, in milliseconds
 * @returns whether it came to be so in time
 */
export async function waitUntil(isSo: () => Promise<boolean>, patience: number): Promise<boolean> {
  const deadline = performance.now() + patience;
  while (!(await isSo())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MILLISECONDS);
  }
  return true;
}

/**
 * Ends the server of a cluster, whoever started it: all its processes are gone afterwards.
 *
 * @param cluster whose server
 * @throws EmbeddedPostgresError when a process of it cannot be ended
 */
export async function endServer(cluster: ClusterPlace): Promise<void> {
  for (const { signal, patience } of WAYS_TO_END) {
    const processes = await listProcessesOf(cluster);
    if (processes.length === 0) return;
    const lockFile = await readLockFile(cluster);
    const postmaster = processes.find(({ pid }) => pid === lockFile?.pid);
    if (postmaster !== undefined && signal !== 'SIGKILL') {
      send(postmaster, signal);
    } else {
      // Children that outlive a killed postmaster hold its shared memory, and no new one would start.
      // They are never sent SIGINT, which means something else to them (a checkpoint, for one).
      for (const child of processes) send(child, signal === 'SIGINT' ? 'SIGQUIT' : signal);
    }
    await waitUntil(() => areGone(processes), patience);
  }
  const [survivor] = await listProcessesOf(cluster);
  if (survivor === undefined) return;
  throw new EmbeddedPostgresError(
    `The PostgreSQL process ${survivor.pid} of ${cluster.data} does not end, not even by SIGKILL.`,
  );
}

/** @returns the running processes of a cluster's server, whoever started it */
export async function listProcessesOf(cluster: ClusterPlace): Promise<PostgresProcess[]> {
  const processes = await listPostgresProcesses();
  return processes.filter(({ command }) => command.includes(cluster.title));
}

async function areGone(processes: PostgresProcess[]): Promise<boolean> {
  const marks = await Promise.all(processes.map(({ pid }) => markOfProcess(pid)));
  return marks.every((mark) => mark === undefined);
}

function send({ pid }: PostgresProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile, or is not ours to end: who asked looks whether it is gone.
  }
}

/**
 * Ends and removes what an earlier run of the server left behind, so that the next one can start.
 *
 * @param cluster whose server; this process owns its data directory
 * @param socketFolder where the next run will have its socket; an earlier process had another one
 * @throws EmbeddedPostgresError when a server that is none of ours uses the cluster
 */
export async function clearRemains(cluster: ClusterPlace, socketFolder: string): Promise<void> {
  const lockFile = await readLockFile(cluster);
  await endServer(cluster);
  if (lockFile !== undefined) await refuseStranger(cluster, lockFile);
  await refuseServerElsewhere(cluster);
  const earlierFolder = lockFile?.socketFolder ?? socketFolder;
  if (earlierFolder !== socketFolder && isSocketFolder(earlierFolder)) {
    await rm(earlierFolder, { recursive: true, force: true });
  }
  // PostgreSQL takes a lock file for valid as long as its pid is in use, be it by a zombie or by a
  // process that got the number later.
  await rm(join(cluster.data, 'postmaster.pid'), { force: true });
  for (const folder of [cluster.data, socketFolder]) {
    await rm(join(folder, `${SOCKET}.lock`), { force: true });
  }
}

async function refuseStranger(cluster: ClusterPlace, { pid }: LockFile): Promise<void> {
  const processes = await listPostgresProcesses();
  if (!processes.some((process) => process.pid === pid)) return;
  throw new EmbeddedPostgresError(
    `The PostgreSQL process ${pid}, which this application did not start, seems to use ` +
      `${cluster.data}. Stop it first. If it serves another folder, delete ` +
      `${join(cluster.data, 'postmaster.pid')}.`,
  );
}

/**
 * Two containers may share a volume, and neither sees the other's processes or shared memory, which
 * is all that keeps two servers off one cluster. But both see the socket in the data folder.
 */
async function refuseServerElsewhere(cluster: ClusterPlace): Promise<void> {
  if (process.platform !== 'linux') return;
  const folder = await open(cluster.data);
  try {
    // Through the open folder, as its path may be too long for a socket.
    const connection = connect(`/proc/self/fd/${folder.fd}/${SOCKET}`);
    const isServed = await once(connection, 'connect').then(
      () => true,
      () => false,
    );
    connection.destroy();
    if (!isServed) return;
  } finally {
    await folder.close();
  }
  throw new EmbeddedPostgresError(
    `A PostgreSQL that cannot be seen from here, probably in another container, uses ` +
      `${cluster.data}. Stop that container, or give this one a directory of its own with DATA_DIR, ` +
      `or ${USE_ANOTHER_DATABASE}.`,
  );
}
