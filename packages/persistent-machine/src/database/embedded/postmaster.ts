/** Owns one run of the server, from its start to its end. It does not know what happens afterwards. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { ENVIRONMENT, pathFromInside } from './account';
import type { Binaries } from './binaries';
import type { Cluster } from './cluster';
import { EmbeddedPostgresError, unlessMissing } from './errors';
import { clearRemains, endServer, readLockFile, waitUntil } from './remains';
import { makeSocketFolder, PORT, SOCKET } from './socketFolder';

/** Long, because recovery after a crash may have much to read. */
const READY_WITHIN_MILLISECONDS = 300_000;
const CARE_EVERY_MILLISECONDS = 5_000;
const LARGEST_LOG_BYTES = 10_000_000;
const LAST_LINES = 15;

/** What all runs of a server have in common. */
export interface Server {
  readonly cluster: Cluster;
  readonly binaries: Binaries;
  readonly socketFolder: string;
  /** Settings of PostgreSQL by name. Those that fix the server's place cannot be overridden. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A running server. */
export interface Postmaster {
  /** Resolves when the process has ended, with the cause, such as `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** Ends the server with all its processes and its socket. May be called after it has ended. */
  end(): Promise<void>;
}

/**
 * Starts the server, after removing the remains of an earlier run.
 *
 * @param server what to run
 * @param signal aborts the start
 * @returns the server, ready for connections
 * @throws EmbeddedPostgresError with the last lines of the log if the server does not become ready
 */
export async function startPostmaster(server: Server, signal: AbortSignal): Promise<Postmaster> {
  signal.throwIfAborted();
  const { cluster, socketFolder } = server;
  await clearRemains(cluster, socketFolder);
  await makeSocketFolder(socketFolder, cluster.account);

  // A file, not a pipe: if we are killed, the server can still write to it.
  const log = await open(cluster.logFile, 'a', 0o600);
  const { size: logLength } = await log.stat();
  const child = spawn(server.binaries.postgres, parametersOf(server), {
    cwd: cluster.data,
    uid: cluster.account.uid,
    gid: cluster.account.gid,
    env: ENVIRONMENT,
    // A session of its own, because Ctrl-C in the terminal must reach only us: we then end the server in order.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => {
      resolve(error.message);
    });
    child.on('exit', (code, name) => {
      resolve(name === null ? `exit code ${code ?? ''}` : `signal ${name}`);
    });
  });
  await log.close();

  const end = async (): Promise<void> => {
    await endServer(cluster);
    await ended;
    await rm(socketFolder, { recursive: true, force: true });
  };
  const isReady = async (): Promise<boolean> => {
    const lockFile = await readLockFile(cluster);
    return lockFile?.status === 'ready' && lockFile.pid === child.pid;
  };

  await waitUntil(
    async () => hasEnded(child) || signal.aborted || (await isReady()),
    READY_WITHIN_MILLISECONDS,
  );
  if (!(await isReady())) {
    await end();
    throw new EmbeddedPostgresError(
      `PostgreSQL did not start in ${cluster.data} (${await ended}). The last lines of ` +
        `${cluster.logFile}:\n${await lastLines(cluster, logLength)}`,
    );
  }

  const care = setInterval(() => {
    // The next turn tries again.
    takeCare(server, child).catch(() => undefined);
  }, CARE_EVERY_MILLISECONDS).unref();
  void ended.then(() => {
    clearInterval(care);
  });
  return { ended, end };
}

function parametersOf({ cluster, socketFolder, settings }: Server): string[] {
  const quotedFolder = `"${socketFolder.replaceAll('"', '""')}"`;
  const fixed = {
    listen_addresses: '',
    port: String(PORT),
    // By the second one, in the data folder, a process in another container notices this server.
    unix_socket_directories: `${quotedFolder}, .`,
    // PostgreSQL shows it on the command line of the postmaster, and in the titles of its children.
    cluster_name: cluster.title,
  };
  const all = Object.entries({ ...settings, ...fixed });
  return [
    '-D',
    pathFromInside(cluster.account, cluster.data),
    ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

async function lastLines(cluster: Cluster, from: number): Promise<string> {
  const log = await unlessMissing(readFile(cluster.logFile));
  const lines = log?.subarray(from).toString().trimEnd().split('\n') ?? [];
  return lines.slice(-LAST_LINES).join('\n') || '(none: is the disk full?)';
}

/** Keeps the log from growing without bound, and the socket in its place. */
async function takeCare({ cluster, socketFolder }: Server, child: ChildProcess): Promise<void> {
  const log = await unlessMissing(stat(cluster.logFile));
  // PostgreSQL appends, and so continues at the new end.
  if (log !== undefined && log.size > LARGEST_LOG_BYTES) await truncate(cluster.logFile);
  // A cleaner removed the socket from the folder for temporary files. The server creates it only at start.
  const socket = await unlessMissing(stat(join(socketFolder, SOCKET)));
  if (socket === undefined) child.kill('SIGINT');
}
