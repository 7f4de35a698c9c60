/**
 * Waits for a database at start, and for tables that are gone. It owns what is logged meanwhile, and how often; it does
 * not know what an attempt consists of.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { mayPass } from './failures';

/** The log for the operator. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

/** The pause between two attempts, in milliseconds. */
const RETRY_PAUSE = 1_000;

/** How long the first attempt may take before the server tells clients that it waits, in milliseconds. */
const SLOW_ATTEMPT = 1_000;

/** How long until the same reason is logged again, in milliseconds. */
const REMINDER = 60_000;

/**
 * Opens a database. It waits for one that may come up later, and fails if an operator has to act first, as after a
 * wrong password.
 *
 * @param attempt may take long, for a migration or when the network falls silent
 * @param onAbsence called, possibly more than once, when there is something to wait for
 * @throws the attempt's error; the signal's reason if it is aborted between two attempts
 */
export async function awaitDatabase<Opened>(
  attempt: () => Promise<Opened>,
  log: Log,
  onAbsence: () => Promise<void>,
  stopping: AbortSignal,
): Promise<Opened> {
  let isAwaited = false;
  const remind = reminder(log);
  // The attempt may hang, or wait for a long migration of this or another instance.
  const slow = setTimeout(() => {
    if (stopping.aborted) return;
    isAwaited = true;
    log.warn('Waiting for the database: it has not answered yet, or is not up to date yet');
    onAbsence().catch((error: unknown) => {
      // The next listener will fail for the same reason, and end the start.
      log.warn(String(error));
    });
  }, SLOW_ATTEMPT);
  try {
    for (;;) {
      stopping.throwIfAborted();
      try {
        const opened = await attempt();
        if (isAwaited) log.info('The database is available');
        return opened;
      } catch (error) {
        clearTimeout(slow);
        if (!mayPass(error)) throw error;
        isAwaited = true;
        await onAbsence();
        remind(`Waiting for the database: ${reasonOf(error)}`);
        await delay(RETRY_PAUSE, undefined, { signal: stopping }).catch(() => undefined);
      }
    }
  } finally {
    clearTimeout(slow);
  }
}

/** Drops repeated warnings, which each attempt would find again. */
export function withoutRepetition(log: Log): Log {
  const told = new Set<string>();
  return {
    info: (message) => {
      log.info(message);
    },
    warn: (message) => {
      if (!told.has(message)) log.warn(message);
      told.add(message);
    },
  };
}

/** Watches whether the tables still exist. */
export class TableWatch {
  readonly #check: () => Promise<void>;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  readonly #remindOfStatement: (message: string) => void;
  #looking: Promise<void> | undefined;

  /** @param check rejects while something is wrong */
  constructor(check: () => Promise<void>, log: Log) {
    this.#check = check;
    this.#log = log;
    this.#remindOfStatement = reminder(log);
  }

  get isWell(): boolean {
    return this.#looking === undefined;
  }

  /** A statement has missed a table: checks the tables again and again until they are complete. */
  suspect(failure: Error): void {
    if (this.#stopping.signal.aborted) return;
    this.#looking ??= this.#look(failure).finally(() => {
      this.#looking = undefined;
    });
  }

  /** @returns once the last check has ended */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
  }

  async #look(failure: Error): Promise<void> {
    const { signal } = this.#stopping;
    const remind = reminder(this.#log);
    for (let isToldSo = false; !signal.aborted; isToldSo = true) {
      try {
        await this.#check();
        if (isToldSo) this.#log.info('The tables are available again');
        // The tables are complete, so the statement must be wrong.
        else
          this.#remindOfStatement(
            `A statement failed, although the tables are complete: ${reasonOf(failure.cause)}`,
          );
        return;
      } catch (error) {
        remind(`Not ready: ${reasonOf(error)}`);
        await delay(RETRY_PAUSE, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

/** Logs a reason when it changes, and the same one only once in `REMINDER`. */
function reminder(log: Log): (message: string) => void {
  let told: { readonly message: string; readonly at: number } | undefined;
  return (message) => {
    const now = performance.now();
    if (told?.message === message && now - told.at < REMINDER) return;
    told = { message, at: now };
    log.warn(message);
  };
}

/** The message of an error. An AggregateError, as for several addresses of one host, has none of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(reasonOf).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}
