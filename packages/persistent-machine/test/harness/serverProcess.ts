/** Starts an application in a process of its own, as its start command does, so that a test can kill it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** A start of the command. */
export interface ServerProcess {
  readonly child: ChildProcess;
  /** Where it listens, from the line that announces it; undefined where it ends without one. */
  readonly url: string | undefined;
  /** Its log, as parsed lines. */
  readonly logs: readonly Record<string, unknown>[];
  /** Its exit code, and all of its standard error. */
  readonly ended: Promise<{ readonly code: number | null; readonly complaint: string }>;
  /** Ends it in order, if it has not ended. */
  stop(): Promise<void>;
}

/** A start of the command that is not awaited. */
export interface StartingProcess extends Omit<ServerProcess, 'url'> {
  /** Where it listens, once the line that announces it has come; undefined where it ends without one. */
  readonly url: Promise<string | undefined>;
}

/**
 * @param main the file that it runs
 * @param environment added to the test's own, without the test's database and a developer's .env
 * @param mostDescriptors how many descriptors the process may have open; left out: as many as the test
 */
export function spawnProcess(
  main: string,
  environment: Record<string, string>,
  {
    mostDescriptors,
    detached = false,
  }: {
    /** How many descriptors the process may have open; left out: as many as this one. */
    readonly mostDescriptors?: number;
    /** Whether it leads a group of processes, as in a terminal. */
    readonly detached?: boolean;
  } = {},
): StartingProcess {
  const limit = mostDescriptors === undefined ? '' : `ulimit -n ${mostDescriptors};`;
  const child = spawn(
    'sh',
    ['-c', `${limit} exec "$0" --conditions=source --import tsx "$1"`, process.execPath, main],
    {
      env: { ...process.env, DATABASE_URL: '', LOG_LEVEL: 'info', PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached,
    },
  );
  const complaint = text(child.stderr);
  // Not `exit`: output may still be on its way then.
  const ended = once(child, 'close').then(async ([code]: (number | null)[]) => ({
    code: code ?? null,
    complaint: await complaint,
  }));
  const logs: Record<string, unknown>[] = [];
  // Read to the end, also once the process is ready: it would fail by writing into a closed pipe.
  const lines = createInterface({ input: child.stdout });
  const url = new Promise<string | undefined>((resolve) => {
    lines.on('line', (line) => {
      // pino writes JSON objects, one a line.
      const logged = JSON.parse(line) as Record<string, unknown>;
      logs.push(logged);
      const [, announced] = /^Ready: .* (http:\S+)\/graphql$/.exec(String(logged['msg'])) ?? [];
      if (announced !== undefined) resolve(announced);
    });
    lines.on('close', () => {
      resolve(undefined);
    });
  });
  return {
    child,
    url,
    logs,
    ended,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Starts the command, and waits until it is ready or has ended. */
export async function startProcess(
  main: string,
  environment: Record<string, string>,
  options?: Parameters<typeof spawnProcess>[2],
): Promise<ServerProcess> {
  const starting = spawnProcess(main, environment, options);
  return { ...starting, url: await starting.url };
}

/** The server of a start that must succeed. */
export function serverOf({ url }: ServerProcess): { readonly url: string } {
  if (url === undefined) throw new Error('It has ended before it was ready.');
  return { url };
}

/** A port at which no process listens. */
export async function freePort(): Promise<number> {
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  // A listener on a port has an address with it.
  const { port } = occupant.address() as { port: number };
  occupant.close();
  return port;
}
