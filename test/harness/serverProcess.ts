/** The application in a process of its own, as the start command runs it: what can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** A start of the command. */
export interface ServerProcess {
  readonly child: ChildProcess;
  /** Where it listens, from the line that announces it; undefined where it ends without one. */
  readonly url: string | undefined;
  /** What it has logged, as parsed lines. */
  readonly logs: readonly Record<string, unknown>[];
  /** Its exit code, and all that it said on standard error. */
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
 * @param environment beside the test's own, of which it gets neither the database nor what a developer's
 *   .env says
 */
export function spawnProcess(
  environment: Record<string, string>,
  {
    detached = false,
  }: {
    /** Whether it leads a group of processes, as in a terminal. */ readonly detached?: boolean;
  } = {},
): StartingProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    env: { ...process.env, DATABASE_URL: '', LOG_LEVEL: 'info', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  const complaint = text(child.stderr);
  // Not `exit`: what it said may still be on its way then.
  const ended = once(child, 'close').then(async ([code]: (number | null)[]) => ({
    code: code ?? null,
    complaint: await complaint,
  }));
  const logs: Record<string, unknown>[] = [];
  // Read to its end, also once it is ready: whoever writes into a closed pipe fails.
  const lines = createInterface({ input: child.stdout });
  const url = new Promise<string | undefined>((resolve) => {
    lines.on('line', (line) => {
      // pino writes JSON objects, one a line.
      const logged = JSON.parse(line) as Record<string, unknown>;
      logs.push(logged);
      const [, announced] = /^Ready at (http:\S+)\/graphql$/.exec(String(logged['msg'])) ?? [];
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

/** The same, awaited. */
export async function startProcess(environment: Record<string, string>): Promise<ServerProcess> {
  const starting = spawnProcess(environment);
  return { ...starting, url: await starting.url };
}

/** Where a start that must succeed listens. */
export function serverOf({ url }: ServerProcess): { readonly url: string } {
  if (url === undefined) throw new Error('It has ended before it was ready.');
  return { url };
}
