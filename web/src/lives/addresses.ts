/** What the addresses of the lists of lives say: all that is chosen, so that it can be kept and shared. */
import type { LivesQueryVariables, Phase } from '../graphql/graphql';

const PAGE = 20;

export interface Choice {
  readonly phase: Phase | null;
  readonly oldestFirst: boolean;
  readonly after: string | null;
  readonly before: string | null;
}

/** @param phases those of the machine; others are not chosen */
export function choiceOf(search: URLSearchParams, phases: readonly Phase[]): Choice {
  return {
    phase: phases.find((phase) => phase.toLowerCase() === search.get('phase')) ?? null,
    oldestFirst: search.get('order') === 'oldest',
    after: search.get('after'),
    before: search.get('before'),
  };
}

export function addressOf({ phase, oldestFirst, after, before }: Partial<Choice>): string {
  const search = new URLSearchParams();
  if (phase) search.set('phase', phase.toLowerCase());
  if (oldestFirst) search.set('order', 'oldest');
  if (after) search.set('after', after);
  if (before) search.set('before', before);
  return search.size === 0 ? '/lives' : `/lives?${search.toString()}`;
}

export function livesIn(phase: Phase): string {
  return addressOf({ phase });
}

/** As the API is asked for it. */
export function variablesOf({ phase, oldestFirst, after, before }: Choice): LivesQueryVariables {
  return {
    phase: phase === null ? null : [phase],
    order: oldestFirst ? 'OLDEST_FIRST' : 'NEWEST_FIRST',
    ...(before === null ? { first: PAGE, after } : { last: PAGE, before }),
  };
}
