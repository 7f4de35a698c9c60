/**
 * What happens, as it happens: the live census and the latest transitions, exact over any interruption. Owns
 * where it has got to; does not know how it is shown.
 */
import type { ApolloClient } from '@apollo/client';
import type { LifeCache } from '../client/cache';
import { hasCode } from '../client/failures';
import { type Connection, follow } from '../client/follow';
import type { Socket } from '../client/socket';
import type { News, Transition } from '../machine/answers';
import type { Documents } from '../machine/documents';
import type { MachineState } from '../machine/machine';

/** How many transitions are kept for showing. */
const KEPT = 40;

export interface FeedState {
  readonly connection: Connection;
  /** As of when the rest is what the server has, as of Date.now(), once the connection is lost. */
  readonly heardAt: number | undefined;
  /** How many lives are in each phase; empty until it is known. */
  readonly counts: Readonly<Record<string, number>>;
  /** The newest first. */
  readonly recent: readonly Transition[];
}

interface Watcher {
  readonly tell: (transition: Transition) => void;
  readonly forget: () => void;
}

/** By what the feed is followed. */
interface Means {
  readonly client: ApolloClient;
  readonly cache: LifeCache;
  readonly socket: Socket;
  readonly documents: Documents;
}

export class Feed {
  readonly #means: Means;
  readonly #states: readonly MachineState[];
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<Watcher>();
  #state: FeedState = {
    connection: { state: 'connecting' },
    heardAt: undefined,
    counts: {},
    recent: [],
  };
  #frame: number | undefined;
  #hasTried = false;

  constructor(means: Means, states: readonly MachineState[]) {
    this.#means = means;
    this.#states = states;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** @returns how to unsubscribe; a listener is called once a frame at the most */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /**
   * @param tell is called with each transition, once
   * @param forget is called when what was told may never have happened: the database was set back
   * @returns how to stop watching
   */
  readonly watch = (
    tell: (transition: Transition) => void,
    forget: () => void = () => undefined,
  ): (() => void) => {
    const watcher = { tell, forget };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /**
   * Follows the feed until the signal comes.
   *
   * @param whenTried is called once it is known where the feed begins, or that this cannot be known yet. What a view
   * asks for from then on misses nothing that the feed does not tell.
   */
  async run(signal: AbortSignal, whenTried: () => void): Promise<void> {
    const { socket, documents } = this.#means;
    await follow(
      {
        begin: () => this.#begin(whenTried),
        after: (cursor: string, whenLive) =>
          socket.subscribe(documents.feed, { after: cursor }, signal, whenLive),
        deal: ({ transitions }) => this.#deal(transitions),
        // A database that was put back to an earlier time has no such place.
        restartsAfter: (error) =>
          hasCode(error, 'FEED_REWOUND') || hasCode(error, 'BAD_USER_INPUT'),
      },
      (connection) => {
        this.#change({ connection, heardAt: socket.heardAt });
      },
      signal,
    );
  }

  /** The census and the feed after its cursor count every life once. What is listed ends there, too. */
  async #begin(whenTried: () => void): Promise<string> {
    const { client, documents } = this.#means;
    const fetchPolicy = 'no-cache';
    const isFirst = !this.#hasTried;
    this.#hasTried = true;
    const counted = await client.query({ query: documents.census, fetchPolicy }).finally(whenTried);
    if (!isFirst) {
      for (const { forget } of this.#watchers) forget();
      // The database may have been set back: then what is cached may be newer than what it has. The views ask again after
      // the census and not before, since the feed tells only what happens after the census.
      await client.resetStore().catch(() => undefined);
    }
    const listed = await client.query({
      query: documents.transitions,
      variables: { events: null, last: KEPT },
      fetchPolicy,
    });
    if (!counted.data || !listed.data) throw new TypeError('An answer without data and errors.');
    const { census } = counted.data;
    const { cursor } = census;
    const { nodes } = listed.data.transitions;
    const end = nodes.findIndex((node) => node.cursor === cursor) + 1;
    this.#change({
      counts: Object.fromEntries(this.#states.map(({ phase }) => [phase, Number(census[phase])])),
      recent: nodes.slice(0, end).reverse(),
    });
    return cursor;
  }

  #deal({ life, ...transition }: News): string {
    const { from, to, cursor } = transition;
    const counts = { ...this.#state.counts };
    if (from !== null) counts[from] = (counts[from] ?? 0) - 1;
    counts[to] = (counts[to] ?? 0) + 1;
    const recent = [transition, ...this.#state.recent].slice(0, KEPT);
    this.#change({ counts, recent });
    // Lives that are shown nowhere would only fill the memory.
    const { cache } = this.#means;
    if (cache.newest(life.id)) cache.keep(life);
    for (const { tell } of this.#watchers) tell(transition);
    return cursor;
  }

  #change(change: Partial<FeedState>): void {
    this.#state = { ...this.#state, ...change };
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** @returns how many there are in all phases together; undefined until it is known */
export function totalOf(counts: FeedState['counts']): number | undefined {
  const numbers = Object.values(counts);
  return numbers.length === 0 ? undefined : numbers.reduce((sum, count) => sum + count);
}
