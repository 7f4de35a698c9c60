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
    const askNow = (): void => {
      timer = undefined;
      // The view tells what fails.
      void ask().catch(() => undefined);
    };
    const stop = feed.watch((transition) => {
      if (concerns(transition)) timer ??= setTimeout(askNow, TOGETHER);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [feed, ask, concerns]);
}
