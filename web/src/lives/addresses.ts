/** What the addresses of lives and of their lists say: all that is chosen, so that it can be kept and shared. */
import type { PageVariables } from '../machine/answers';
import { type Machine, useMachine } from '../machine/machine';

const PAGE = 20;

export interface Choice {
  readonly phase: string | null;
  readonly oldestFirst: boolean;
  readonly after: string | null;
  readonly before: string | null;
}

export interface Addresses {
  readonly list: (choice?: Partial<Choice>) => string;
  readonly one: (id: string, version?: number) => string;
}

/** Below the plural of the machine's name. */
export function addressesOf({ many }: Machine): Addresses {
  return {
    list: ({ phase, oldestFirst, after, before } = {}) => {
      const search = new URLSearchParams();
      if (phase) search.set('phase', phase.toLowerCase());
      if (oldestFirst) search.set('order', 'oldest');
      if (after) search.set('after', after);
      if (before) search.set('before', before);
      return withSearch(`/${many}`, search);
    },
    one: (id, version) =>
      withSearch(
        `/${many}/${id}`,
        new URLSearchParams(version === undefined ? {} : { version: String(version) }),
      ),
  };
}

export function useAddresses(): Addresses {
  return addressesOf(useMachine());
}

/** @returns what a list's address chooses; of phases only those of the machine */
export function choiceOf(search: URLSearchParams, { states }: Machine): Choice {
  const phase = search.get('phase');
  return {
    phase: states.find((state) => state.phase.toLowerCase() === phase)?.phase ?? null,
    oldestFirst: search.get('order') === 'oldest',
    after: search.get('after'),
    before: search.get('before'),
  };
}

/** As the API is asked for it. */
export function variablesOf({ phase, oldestFirst, after, before }: Choice): PageVariables {
  return {
    phase: phase === null ? null : [phase],
    order: oldestFirst ? 'OLDEST_FIRST' : 'NEWEST_FIRST',
    ...(before === null ? { first: PAGE, after } : { last: PAGE, before }),
  };
}

function withSearch(path: string, search: URLSearchParams): string {
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}
