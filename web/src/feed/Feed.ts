/**
 * What happens, as it happens: the live census and the latest transitions, exact over any interruption. Owns
 * where it has got to; does not know how it is shown.
 */
import type { ApolloClient } from '@apollo/client';
import type { LifeCache } from '../client/cache';
import { hasCode } from '../client/failures';
import { type Connection, follow } from '../client/follow';
import type { Socket } from '../client/socket';
import {
  CensusDocument,
  FeedDocument,
  type FeedSubscription,
  LifeFactsFragmentDoc,
  type Phase,
  RecentDocument,
  type TransitionFactsFragment,
} from '../graphql/graphql';

/** How many transitions are kept for showing. */
const KEPT = 40;

export interface FeedState {
  readonly connection: Connection;
  /** How many lives are in each phase; empty until it is known. */
  readonly counts: Readonly<Partial<Record<Phase, number>>>;
  /** The newest first. */
  readonly recent: readonly TransitionFactsFragment[];
}

export class Feed {
  readonly #client: ApolloClient;
  readonly #cache: LifeCache;
  readonly #socket: Socket;
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<(transition: TransitionFactsFragment) => void>();
  #state: FeedState = { connection: { state: 'connecting' }, counts: {}, recent: [] };
  #frame: number | undefined;
  #hasBegun = false;

  constructor(client: ApolloClient, cache: LifeCache, socket: Socket) {
    this.#client = client;
    this.#cache = cache;
    this.#socket = socket;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** @returns how to unsubscribe; a listener is called once a frame at the most */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @returns how to stop watching; a watcher is called with each transition, once */
  readonly watch = (watcher: (transition: TransitionFactsFragment) => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Follows the feed until the signal comes. */
  async run(signal: AbortSignal): Promise<void> {
    await follow(
      {
        begin: () => this.#begin(),
        after: (cursor: string, whenLive) =>
          this.#socket.subscribe(FeedDocument, { after: cursor }, signal, whenLive),
        deal: ({ transitions }) => this.#deal(transitions),
        // A database that was put back to an earlier time has no such place.
        restartsAfter: (error) =>
          hasCode(error, 'FEED_REWOUND') || hasCode(error, 'BAD_USER_INPUT'),
      },
      (connection) => {
        this.#change({ connection });
      },
      signal,
    );
  }

  /** The census and the feed after its cursor count every life once. What is listed ends there, too. */
  async #begin(): Promise<string> {
    // Not for the first time: the database was set back, and what is cached may be newer than what it has.
    if (this.#hasBegun) await this.#client.resetStore().catch(() => undefined);
    this.#hasBegun = true;
    const fetchPolicy = 'no-cache';
    const counted = await this.#client.query({ query: CensusDocument, fetchPolicy });
    const listed = await this.#client.query({
      query: RecentDocument,
      variables: { last: KEPT },
      fetchPolicy,
    });
    if (!counted.data || !listed.data) throw new TypeError('An answer without data and errors.');
    const { cursor, ...counts } = counted.data.census;
    const { nodes } = listed.data.transitions;
    const end = nodes.findIndex((node) => node.cursor === cursor) + 1;
    this.#change({
      // A field for each phase, by its name; and the `__typename` that Apollo Client asks for.
      counts: Object.fromEntries(
        Object.entries(counts)
          .filter(([, count]) => typeof count === 'number')
          .map(([phase, count]) => [phase.toUpperCase(), count]),
      ),
      recent: nodes.slice(0, end).reverse(),
    });
    return cursor;
  }

  #deal({ life, ...transition }: FeedSubscription['transitions']): string {
    const { from, to, cursor } = transition;
    const counts = { ...this.#state.counts };
    if (from !== null) counts[from] = (counts[from] ?? 0) - 1;
    counts[to] = (counts[to] ?? 0) + 1;
    const recent = [transition, ...this.#state.recent].slice(0, KEPT);
    this.#change({ counts, recent });
    // Lives that are shown nowhere would only fill the memory.
    if (this.#cache.newest(life.id)) {
      this.#cache.writeFragment({
        fragment: LifeFactsFragmentDoc,
        data: life,
        id: `Life:${life.id}`,
      });
    }
    for (const watcher of this.#watchers) watcher(transition);
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
