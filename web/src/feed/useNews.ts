/** Asks again once there is news, and not for each: what is counted and paged changes with what happens. */
import { useEffect } from 'react';
import type { Transition } from '../machine/answers';
import { useSession } from '../session';

/** In milliseconds. */
const TOGETHER = 400;

/** @param concerns whether a transition is news for the caller; both functions are to be the same each time */
export function useNews(
  ask: () => Promise<unknown>,
  concerns: (transition: Transition) => boolean,
): void {
  const { feed } = useSession();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    let isOutdated = false;
    const askSoon = (): void => {
      timer ??= setTimeout(() => void askNow(), TOGETHER);
    };
    const askNow = async (): Promise<void> => {
      timer = undefined;
      // Two questions at once would share the answer to the first one.
      isOutdated = isAsking;
      if (isAsking) return;
      isAsking = true;
      // The view tells what fails.
      await ask().catch(() => undefined);
      isAsking = false;
      if (isOutdated) askSoon();
    };
    const stop = feed.watch((transition) => {
      if (concerns(transition)) askSoon();
    });
    return () => {
      stop();
      isOutdated = false;
      clearTimeout(timer);
    };
  }, [feed, ask, concerns]);
}
