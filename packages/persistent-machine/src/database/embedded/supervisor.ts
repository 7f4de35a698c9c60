/** Keeps a server running until it is told to stop. It does not know what the server is. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { reasonOf } from './errors';
import type { Postmaster } from './postmaster';

const SHORTEST_PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 10_000;
/** A server that ran for this long is started again without a pause. */
const STEADY_AFTER_MILLISECONDS = 60_000;

/** A server that is kept running. */
export interface Supervision {
  /** Ends the server, or the attempt to start it again. All calls wait for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts a server, and starts it again whenever it ends by itself: at once, then after pauses that double up to ten
 * seconds, without giving up.
 *
 * @param start starts the server once, and gives up if its signal is aborted
 * @param log called for every end, and for every failure to start again
 * @returns the supervision, once the server is ready for the first time
 * @throws what the first `start` throws
 */
export async function supervise(
  start: (signal: AbortSignal) => Promise<Postmaster>,
  log: (message: string) => void,
): Promise<Supervision> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const stopRequested = once(signal, 'abort');
  const isStopping = (): boolean => signal.aborted;
  const supervised = keepRunning(await start(signal));
  return {
    async stop() {
      stopping.abort();
      await supervised;
    },
  };

  async function keepRunning(first: Postmaster): Promise<void> {
    let postmaster = first;
    let pause = 0;
    while (!isStopping()) {
      const readyAt = performance.now();
      const end = await Promise.race([postmaster.ended, stopRequested]);
      if (isStopping()) break;
      log(`PostgreSQL ended unexpectedly (${String(end)}) and is started again.`);

      if (performance.now() - readyAt > STEADY_AFTER_MILLISECONDS) pause = 0;
      let next: Postmaster | undefined;
      while (next === undefined && !isStopping()) {
        await sleep(pause, undefined, { signal }).catch(() => undefined);
        pause = Math.min(
          Math.max(2 * pause, SHORTEST_PAUSE_MILLISECONDS),
          LONGEST_PAUSE_MILLISECONDS,
        );
        next = await startAgain(pause);
      }
      postmaster = next ?? postmaster;
    }
    // Even if the postmaster has ended, its children may not have.
    await postmaster.end();
  }

  async function startAgain(pauseIfNot: number): Promise<Postmaster | undefined> {
    try {
      const postmaster = await start(signal);
      log('PostgreSQL is running again.');
      return postmaster;
    } catch (error) {
      if (!isStopping()) log(`${reasonOf(error)}\nThe next attempt follows in ${pauseIfNot} ms.`);
      return undefined;
    }
  }
}
