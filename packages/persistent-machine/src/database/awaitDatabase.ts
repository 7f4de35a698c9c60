/**
 * Waiting for a database at the start, however long that takes, and for one whose tables have gone. Owns what is
 * said meanwhile, and how often; does not know what an attempt consists of.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { mayPass } from './failures';

/** Where people are told what is waited for. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

/** How long until a database that cannot be used yet is looked for again, in milliseconds. */
const LOOK_AGAIN = 1_000;

/** How long a first look may take until those who ask are told that we wait for it, in milliseconds. */
const MOMENT = 1_000;

/** How long until a reason that has not changed is told again, in milliseconds. */
const REMINDER = 60_000;

/**
 * Opens a database. One that may be there later is waited for; what surely a person has to mend, as a wrong
 * password that the database itself refuses, is not.
 *
 * @param attempt may take long: a migration does, and so does a network that falls silent in the midst of it
 * @param onAbsence called, maybe more than once, when it turns out that there is something to wait for
 * @throws what the attempt does; the signal's reason, where it is aborted between two attempts
 */
export async function awaitDatabase<Opened>(
  attempt: () => Promise<Opened>,
  log: Log,
  onAbsence: () => Promise<void>,
  stopping: AbortSignal,
): Promise<Opened> {
  let isAwaited = false;
  const remind = reminder(log);
  // It may hang, and another instance's migration, or ours, may take its time.
  const slow = setTimeout(() => {
    if (stopping.aborted) return;
    isAwaited = true;
    log.warn('Waiting for the database: it has not answered yet, or is not up to date yet');
    onAbsence().catch((error: unknown) => {
      // It will keep whatever listens next from it, too, and end the start then.
      log.warn(String(error));
    });
  }, MOMENT);
  try {
    for (;;) {
      stopping.throwIfAborted();
      try {
        const opened = await attempt();
        if (isAwaited) log.info('The database is there');
        return opened;
      } catch (error) {
        clearTimeout(slow);
        if (!mayPass(error)) throw error;
        isAwaited = true;
        await onAbsence();
        remind(`Waiting for the database: ${reasonOf(error)}`);
        await delay(LOOK_AGAIN, undefined, { signal: stopping }).catch(() => undefined);
      }
    }
  } finally {
    clearTimeout(slow);
  }
}

/** For what is found anew in each attempt: of equal warnings only the first is told. */
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

/** Whether the tables are there, once they were. */
export class TableWatch {
  readonly #check: () => Promise<void>;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  readonly #wonder: (message: string) => void;
  #looking: Promise<void> | undefined;

  /** @param check fails while something is wrong */
  constructor(check: () => Promise<void>, log: Log) {
    this.#check = check;
    this.#log = log;
    this.#wonder = reminder(log);
  }

  get isWell(): boolean {
    return this.#looking === undefined;
  }

  /** A statement has shown that they are not: from now on they are looked for until they are. */
  suspect(failure: Error): void {
    if (this.#stopping.signal.aborted) return;
    this.#looking ??= this.#look(failure).finally(() => {
      this.#looking = undefined;
    });
  }

  /** @returns once it looks no more */
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
        if (isToldSo) this.#log.info('The tables are there again');
        // Then it is the statement that is wrong.
        else
          this.#wonder(
            `A statement failed, though all that it needs is there: ${reasonOf(failure.cause)}`,
          );
        return;
      } catch (error) {
        remind(`Not ready: ${reasonOf(error)}`);
        await delay(LOOK_AGAIN, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

/** Warns of a reason once, and then when it changes, or rarely. */
function reminder(log: Log): (message: string) => void {
  let told: { readonly message: string; readonly at: number } | undefined;
  return (message) => {
    const now = performance.now();
    if (told?.message === message && now - told.at < REMINDER) return;
    told = { message, at: now };
    log.warn(message);
  };
}

/** An error of several attempts, as of several addresses of one name, has no message of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(reasonOf).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}
