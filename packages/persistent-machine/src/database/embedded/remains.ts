/** Ends a cluster's server, and removes what it leaves. It does not know why the server ended. */
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

/** The steps to end a server, and how long each may take, in milliseconds. */
const WAYS_TO_END = [
  // Fast shutdown: closes connections, and writes a checkpoint.
  { signal: 'SIGINT', patience: 10_000 },
  // Immediate shutdown: the next start recovers from the WAL. After five seconds the postmaster kills its children.
  { signal: 'SIGQUIT', patience: 7_000 },
  { signal: 'SIGKILL', patience: 5_000 },
] as const;

/** What a server writes about itself into its data folder. */
export interface LockFile {
  readonly pid: number;
  readonly socketFolder: string;
  /** `starting`, `ready`, `stopping` or `standby`. */
  readonly status: string;
}

/**
 * Reads `postmaster.pid`.
 *
 * @param cluster of the server
 * @returns what a server wrote there, whether it still runs or not; undefined without such a file
 */
export async function readLockFile(cluster: ClusterPlace): Promise<LockFile | undefined> {
  const text = await unlessMissing(readFile(join(cluster.data, 'postmaster.pid'), 'utf8'));
  if (text === undefined) return undefined;
  const lines = text.split('\n').map((line) => line.trim());
  return { pid: Number(lines[0]), socketFolder: lines[4] ?? '', status: lines[7] ?? '' };
}

/**
 * Polls a condition.
 *
 * @param isSo the condition
 * @param patience how long to wait, in milliseconds
 * @returns whether it became true in time
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
 * Ends all processes of a cluster's server, also of one that an earlier process started.
 *
 * @param cluster of the server
 * @throws EmbeddedPostgresError if one of its processes does not end
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
      // Children that outlive a killed postmaster hold its shared memory, so that no new one could start. They never
      // get SIGINT, which has other meanings for them: a backend, for example, only cancels its statement.
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
    // The process has ended, or is not ours to end: the caller checks whether it is gone.
  }
}

/**
 * Ends and removes what an earlier run of the server left behind, so that the next one can start.
 *
 * @param cluster whose data directory this process owns
 * @param socketFolder the folder of the next run's socket; an earlier process had another one
 * @throws EmbeddedPostgresError if a server that is not ours uses the cluster
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
  // PostgreSQL takes a lock file for valid while its pid is in use, even by a zombie, or by a later process.
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
 * Refuses a cluster that a server in another container uses. Containers that share a volume see neither the processes
 * nor the shared memory by which PostgreSQL keeps a second server off, but both see the socket in the data folder.
 */
async function refuseServerElsewhere(cluster: ClusterPlace): Promise<void> {
  if (process.platform !== 'linux') return;
  const folder = await open(cluster.data);
  try {
    // Through the open folder, because its path may be too long for a socket.
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
