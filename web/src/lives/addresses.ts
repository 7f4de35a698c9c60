/** What the addresses of all views say: everything that is chosen, so that it can be kept and shared. */
import type { FeedVariables, PageVariables, Place } from '../machine/answers';
import { type Machine, useMachine } from '../machine/machine';

const PAGE = 20;
const FEED_PAGE = 50;

interface Cursors {
  readonly after: string | null;
  readonly before: string | null;
}

export interface Choice extends Cursors {
  readonly phase: string | null;
  readonly oldestFirst: boolean;
}

export interface FeedChoice extends Cursors {
  readonly event: string | null;
}

export interface Addresses {
  readonly list: (choice?: Partial<Choice>) => string;
  readonly one: (id: string, version?: number) => string;
  readonly feed: (choice?: Partial<FeedChoice>) => string;
}

/** Where the whole feed is, of whatever machine. */
export const FEED = '/feed';

/** Below the plural of the machine's name. */
export function addressesOf({ many }: Machine): Addresses {
  return {
    list: ({ phase, oldestFirst, after, before } = {}) =>
      withSearch(`/${many}`, {
        phase: phase?.toLowerCase(),
        order: oldestFirst ? 'oldest' : null,
        after,
        before,
      }),
    one: (id, version) =>
      withSearch(`/${many}/${encodeURIComponent(id)}`, { version: version?.toString() }),
    feed: ({ event, after, before } = {}) =>
      withSearch(FEED, { event: event?.toLowerCase(), after, before }),
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
    ...cursorsOf(search),
  };
}

/** @returns what the feed's address chooses; of events only those of the machine */
export function feedChoiceOf(search: URLSearchParams, { events }: Machine): FeedChoice {
  const event = search.get('event');
  return {
    event: events.find((each) => each.event.toLowerCase() === event)?.event ?? null,
    ...cursorsOf(search),
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

/** As the API is asked for it, whose feed has the oldest first. */
export function feedVariablesOf({ event, after, before }: FeedChoice): FeedVariables {
  const place: Place = after === null ? { last: FEED_PAGE, before } : { first: FEED_PAGE, after };
  return { events: event === null ? null : [event], ...place };
}

function cursorsOf(search: URLSearchParams): Cursors {
  return { after: search.get('after'), before: search.get('before') };
}

/** @param chosen by name; what is not chosen is left out */
function withSearch(
  path: string,
  chosen: Readonly<Record<string, string | null | undefined>>,
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(chosen)) if (value) search.set(name, value);
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}
