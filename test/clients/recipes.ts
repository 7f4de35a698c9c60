/** The recipes of `examples/clients` as a frontend starts with them, and what a frontend would show. */
import WebSocket from 'ws';
import { apolloLives } from '../../examples/clients/apollo';
import {
  apolloByDefault,
  documentCacheByDefault,
  graphcacheByDefault,
} from '../../examples/clients/byDefault';
import { fetchLives } from '../../examples/clients/fetch';
import type { Life, Lives, Stop } from '../../examples/clients/lives';
import { relayLives } from '../../examples/clients/relay/relayLives';
import { documentCacheLives } from '../../examples/clients/urqlDocumentCache';
import { graphcacheLives } from '../../examples/clients/urqlGraphcache';

// Browsers have it, and Node from version 22 on.
Object.assign(globalThis, { WebSocket });

export interface Recipe {
  readonly name: string;
  readonly connect: (url: string) => Lives;
  /** How many requests a change costs beside the mutation, if two places show it. */
  readonly refetches: 0 | 2;
  /** Connects with the library's default cache; undefined if the recipe configures none. */
  readonly connectByDefault?: (url: string) => Lives;
}

export const RECIPES: readonly Recipe[] = [
  {
    name: 'Apollo Client',
    connect: apolloLives,
    refetches: 0,
    connectByDefault: apolloByDefault,
  },
  {
    name: 'urql with Graphcache',
    connect: graphcacheLives,
    refetches: 0,
    connectByDefault: graphcacheByDefault,
  },
  {
    name: 'urql with the document cache',
    connect: documentCacheLives,
    // It caches answers, not lives.
    refetches: 2,
    connectByDefault: documentCacheByDefault,
  },
  { name: 'Relay', connect: relayLives, refetches: 0 },
  { name: 'fetch', connect: fetchLives, refetches: 0 },
];

/** A list of lives and a single one, side by side, with everything that they have shown. */
export class Screen {
  readonly lists: (readonly Life[])[] = [];
  readonly details: (Life | null)[] = [];
  readonly failures: unknown[] = [];
  readonly #id: string;
  readonly #stops: readonly Stop[];

  constructor(lives: Lives, id: string) {
    const fail = (error: unknown): void => {
      this.failures.push(error);
    };
    this.#id = id;
    this.#stops = [
      lives.watchLives({ show: (shown) => this.lists.push(shown), fail }),
      lives.watchLife(id, { show: (shown) => this.details.push(shown), fail }),
    ];
  }

  /** The life as both places show it now. */
  get both(): readonly (Life | null | undefined)[] {
    return [this.lists.at(-1)?.find(({ id }) => id === this.#id), this.details.at(-1)];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

/**
 * Waits for a condition.
 *
 * @param within milliseconds
 * @throws Error if it takes longer
 */
export async function until(condition: () => boolean, within = 20_000): Promise<void> {
  const deadline = Date.now() + within;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`It has not come to this: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
