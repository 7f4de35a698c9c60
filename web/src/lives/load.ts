/** Lives for show: each goes its way through whatever machine there is, a bounded number of them at a time. */
import type { ApolloClient } from '@apollo/client';
import { uuidv7 } from 'uuidv7';
import { pause } from '../client/backoff';
import { conceiveAs, isRefusal, transition } from './changes';

/** How many lives are under way at once. */
const AT_ONCE = 20;

/** The most events of one life, where the machine has no end. */
const LONGEST_WAY = 10;

/** The longest time between two events of a life, in milliseconds. */
const LONGEST_PAUSE = 600;

/**
 * @param count how many lives
 * @param onEnd is called with each life that has gone its way
 * @returns once all have, or the signal came
 * @throws the first that failed, after every retry
 */
export async function live(
  client: ApolloClient,
  count: number,
  onEnd: () => void,
  signal: AbortSignal,
): Promise<void> {
  let begun = 0;
  const isOver = (): boolean => signal.aborted || begun >= count;
  const worker = async (): Promise<void> => {
    while (!isOver()) {
      begun += 1;
      await liveOne(client, signal);
      if (!signal.aborted) onEnd();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function liveOne(client: ApolloClient, signal: AbortSignal): Promise<void> {
  let { id, nextEvents } = await conceiveAs(client, uuidv7());
  for (let step = 0; step < LONGEST_WAY && !signal.aborted; step += 1) {
    // The event that a state names first is the usual one.
    const usual = Math.random() < 0.8 ? 0 : Math.floor(Math.random() * nextEvents.length);
    const event = nextEvents[usual];
    if (event === undefined) return;
    await pause(Math.random() * LONGEST_PAUSE, signal);
    const outcome = await transition(client, id, event);
    // Somebody else has a hand in it: leave it to them.
    if (isRefusal(outcome)) return;
    ({ id, nextEvents } = outcome);
  }
}
