/**
 * A program: subscribers over WebSocket, each on a socket of its own, and the births that they are told of.
 * Owns what a right delivery is: of the feed each transition, in order and once. In a process of its own, so
 * that what it costs to listen is not the server's; what it makes a delivery later counts all the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { cursorsOf } from 'persistent-machine/graphql/cursors';
import { namesOf } from 'persistent-machine/graphql/names';
import { life } from '../../src/machine';
import { operations, subscriptions } from '../operations';
import { serve } from '../processes';
import { Stopwatch, type Throughput } from './load';

const { feed } = cursorsOf(namesOf(life));

/** Subscribe to the feed, and give birth so many times a second. Answered by how long each delivery took. */
export interface Follow {
  readonly ask: 'follow';
  readonly url: string;
  readonly subscribers: number;
  readonly perSecond: number;
  /** The lives to be born: the first before anything is measured. */
  readonly ids: readonly string[];
}

/** Subscribe to the feed from its beginning, until so many transitions have come. Answered by a FeedReading. */
export interface CatchUp {
  readonly ask: 'catchUp';
  readonly url: string;
  readonly count: number;
}

/** Subscribe to each of these lives, and stay. Answered when all have been told what they are. */
export interface Stay {
  readonly ask: 'stay';
  readonly url: string;
  readonly ids: readonly string[];
}

/** How often those who stayed were told something since, if only that it is over. Answered by a number. */
export interface CountDisturbances {
  readonly ask: 'countDisturbances';
}

/** How the feed was read. */
export interface FeedReading {
  readonly rows: number;
  /** Rows that were not the next one, or that were missing. */
  readonly wrong: number;
  readonly seconds: number;
}

/** What is read of a transition. */
interface Delivered {
  readonly cursor: string;
  readonly lifeId: string;
}

/** How long the last deliveries may take, in seconds. */
const TIMEOUT = 10;
const TIMEOUT_OF_CATCHING_UP = 120;
/** How often it is looked whether all have come, in milliseconds. */
const RESOLUTION = 10;
/** How long afterwards what comes twice is waited for, in milliseconds. */
const GRACE = 250;

/** Whoever subscribed to the feed after one position. */
class Audience {
  readonly #url: string;
  readonly #after: number;
  readonly #onRight: (lifeId: string) => void;
  readonly #leaving: (() => void)[] = [];
  /** How many deliveries were the next one of their subscriber, and how many were not. */
  right = 0;
  wrong = 0;

  constructor(url: string, after: number, onRight: (lifeId: string) => void) {
    this.#url = url;
    this.#after = after;
    this.#onRight = onRight;
  }

  /** @returns when one more is connected and has subscribed */
  async join(): Promise<void> {
    // A bare position, of which each subscriber is told whatever follows.
    const after = feed.of({ position: String(this.#after), fingerprint: null });
    let position = this.#after;
    const leave = await subscribe(this.#url, subscriptions.transitions, { after }, (data) => {
      // What the document asks for, or nothing where something went wrong.
      const delivered = (data as { transitions: Delivered } | undefined)?.transitions;
      if (delivered && positionOf(delivered.cursor) === position + 1) {
        position += 1;
        this.right += 1;
        this.#onRight(delivered.lifeId);
      } else {
        this.wrong += 1;
      }
    });
    this.#leaving.push(leave);
  }

  /** Waits until each has been told of so many transitions, or it has taken too long. */
  async wasTold(count: number, timeout: number): Promise<void> {
    const end = performance.now() + timeout * 1_000;
    const isComplete = (): boolean => this.right + this.wrong >= count * this.#leaving.length;
    while (!isComplete() && performance.now() < end) await sleep(RESOLUTION);
  }

  leave(): void {
    for (const leave of this.#leaving) leave();
  }
}

async function follow(
  { url, subscribers, perSecond, ids: [first = '', ...others] }: Follow,
  begun: () => void,
): Promise<Throughput> {
  const stopwatch = new Stopwatch();
  const sentAt = new Map<string, number>();
  let refused = 0;
  const giveBirth = async (id: string): Promise<void> => {
    sentAt.set(id, performance.now());
    const answer = await post(url, { query: operations.birth.document, variables: { id } });
    if (!answer.includes(operations.birth.expected)) refused += 1;
  };

  const audience = new Audience(url, await endOfFeed(url), (lifeId) => {
    // Nobody else writes to its database.
    stopwatch.record(performance.now() - (sentAt.get(lifeId) ?? 0));
  });
  for (let number = 0; number < subscribers; number += 1) await audience.join();
  // Whoever has been told of one is listening.
  await giveBirth(first);
  await audience.wasTold(1, TIMEOUT);
  begun();

  stopwatch.start();
  await Promise.all(
    others.map(async (id, index) => {
      // Whatever the earlier ones take: a server that falls behind is not spared.
      await sleep((index * 1_000) / perSecond);
      await giveBirth(id);
    }),
  );
  await audience.wasTold(1 + others.length, TIMEOUT);
  await sleep(GRACE);
  const missing = subscribers * (1 + others.length) - audience.right;
  const wrong = audience.wrong + missing + refused;
  audience.leave();
  return stopwatch.stop({ recorded: 0, unrecorded: wrong });
}

async function catchUp({ url, count }: CatchUp): Promise<FeedReading> {
  const begin = performance.now();
  let end = begin;
  const audience = new Audience(url, 0, () => {
    if (audience.right === count) end = performance.now();
  });
  await audience.join();
  await audience.wasTold(count, TIMEOUT_OF_CATCHING_UP);
  const rows = Math.min(audience.right, count);
  const wrong = audience.wrong + count - rows;
  audience.leave();
  return { rows, wrong, seconds: (end - begin) / 1_000 };
}

let told = 0;
let staying = 0;

async function stay({ url, ids }: Stay): Promise<void> {
  for (const id of ids) {
    await new Promise<void>((resolve, reject) => {
      subscribe(url, subscriptions.lifeChanged, { id }, () => {
        told += 1;
        resolve();
      }).catch(reject);
    });
  }
  staying = ids.length;
}

/**
 * @param tell called with the data of each result; undefined: there was none, or the subscription is over
 * @returns how to leave, when it is connected
 */
async function subscribe(
  url: string,
  query: string,
  variables: Readonly<Record<string, string>>,
  tell: (data: unknown) => void,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const client = createClient({
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      on: {
        connected: () => {
          resolve(() => void client.dispose());
        },
      },
    });
    client.subscribe(
      { query, variables },
      {
        next: ({ data, errors }) => {
          tell(errors ? undefined : (data ?? undefined));
        },
        error: (error) => {
          tell(undefined);
          // Means nothing once it is connected.
          reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
        },
        complete: () => {
          tell(undefined);
        },
      },
    );
  });
}

/** @returns the position of the feed's last transition */
async function endOfFeed(url: string): Promise<number> {
  const answer = await post(url, { query: operations.census.document });
  // What the document asks for.
  const { data } = JSON.parse(answer) as { data: { census: { cursor: string } } };
  return positionOf(data.census.cursor);
}

function positionOf(cursor: string): number {
  return Number(feed.parse(cursor, 'cursor').position);
}

async function post(url: string, request: object): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return response.text();
}

serve(async (question: Follow | CatchUp | Stay | CountDisturbances, begun): Promise<unknown> => {
  switch (question.ask) {
    case 'follow':
      return follow(question, begun);
    case 'catchUp':
      return catchUp(question);
    case 'stay':
      return stay(question);
    case 'countDisturbances':
      return told - staying;
  }
});
