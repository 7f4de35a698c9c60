/** Asks again once there is news, and not for each: what is counted and paged changes with what happens. */
import { useEffect } from 'react';
import type { TransitionFactsFragment } from '../graphql/graphql';
import { useSession } from '../session';

/** In milliseconds. */
const TOGETHER = 400;

/** @param concerns whether a transition is news for who asks; both functions are to be the same each time */
export function useNews(
  ask: () => Promise<unknown>,
  concerns: (transition: TransitionFactsFragment) => boolean,
): void {
  const { feed } = useSession();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = feed.watch((transition) => {
      if (!concerns(transition)) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        // What fails is told by who asks.
        ask().catch(() => undefined);
      }, TOGETHER);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [feed, ask, concerns]);
}
