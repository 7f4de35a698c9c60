/** How long to wait before the next attempt, and waiting. Knows nothing of what is attempted. */

const SHORTEST = 250;
const LONGEST = 5_000;

/**
 * Longer with each attempt, and never the same: the clients of a server that comes back would arrive at once.
 *
 * @param attempt how many have failed, from 1 on
 * @returns milliseconds
 */
export function backoff(attempt: number): number {
  const most = Math.min(LONGEST, SHORTEST * 2 ** attempt);
  return most * (0.5 + Math.random() / 2);
}

/** Waits, in milliseconds; no longer than until the browser is online again, or the signal. */
export async function pause(duration: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      window.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, duration);
    window.addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}
