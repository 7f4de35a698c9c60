/**
 * A program: subscribers over WebSocket, each on a socket of its own, and the births that they follow. Owns the
 * meaning of a correct delivery: each transition of the feed, in order and once. It is a process of its own, so that
 * the cost of listening is not the server's. Its own delays count as part of a delivery.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { isPlace } from 'persistent-machine/operations/place';
import { cursorsOf } from 'persistent-machine/graphql/cursors';
import { namesOf } from 'persistent-machine/graphql/names';
import { life } from '../../src/machine';
import { operations, subscriptions } from '../operations';
import { serve } from '../processes';
import { Stopwatch, type Throughput } from './load';

const { feed } = cursorsOf(namesOf(life));

/**
 * Asks for subscriptions to the feed, and for births at a fixed rate. The answer is the latencies of the deliveries.
 */
export interface Follow {
  readonly ask: 'follow';
  readonly url: string;
  readonly subscribers: number;
  readonly perSecond: number;
  /** The lives to be born. The first one is born before the measurement. */
  readonly ids: readonly string[];
}

/** Asks for the feed from its beginning, until so many transitions have come. The answer is a FeedReading. */
export interface CatchUp {
  readonly ask: 'catchUp';
  readonly url: string;
  readonly count: number;
}

/** Asks for a lasting subscription to each of these lives. The answer comes after the first result of each. */
export interface Stay {
  readonly ask: 'stay';
  readonly url: string;
  readonly ids: readonly string[];
}

/** Asks how many further results, ends included, the lasting subscriptions have got. The answer is a number. */
export interface CountDisturbances {
  readonly ask: 'countDisturbances';
}

/** One reading of the feed. */
export interface FeedReading {
  readonly rows: number;
  /** The number of rows that were missing or out of order. */
  readonly wrong: number;
  readonly seconds: number;
}

/** The fields of a transition that are checked. */
interface Delivered {
  readonly cursor: string;
  readonly lifeId: string;
}

/** How long the last deliveries may take, in seconds. */
const TIMEOUT = 10;
const TIMEOUT_OF_CATCHING_UP = 120;
/** The interval of the check whether all deliveries have come, in milliseconds. */
const RESOLUTION = 10;
/** How long to wait for repeated deliveries afterwards, in milliseconds. */
const GRACE = 250;

/** The subscribers to the feed after one position. */
class Audience {
  readonly #url: string;
  readonly #after: number;
  readonly #onRight: (lifeId: string) => void;
  readonly #leaving: (() => void)[] = [];
  /** The number of deliveries that were the next one of their subscriber, and of all others. */
  right = 0;
  wrong = 0;

  constructor(url: string, after: number, onRight: (lifeId: string) => void) {
    this.#url = url;
    this.#after = after;
    this.#onRight = onRight;
  }

  /** Adds a subscriber. @returns when it is connected and has subscribed */
  async join(): Promise<void> {
    // A cursor of the oldest form has no fingerprint, so the server accepts any position.
    const after = Buffer.from(`feed ${this.#after}`).toString('base64url');
    let position = this.#after;
    const leave = await subscribe(this.#url, subscriptions.transitions, { after }, (data) => {
      // The type follows from the document. Without data, something has failed.
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

  /** Waits until each subscriber has got so many transitions, or the time is up. */
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
    // Nothing else writes to its database.
    stopwatch.record(performance.now() - (sentAt.get(lifeId) ?? 0));
  });
  for (let number = 0; number < subscribers; number += 1) await audience.join();
  // A subscriber that has got one transition is listening.
  await giveBirth(first);
  await audience.wasTold(1, TIMEOUT);
  begun();

  stopwatch.start();
  await Promise.all(
    others.map(async (id, index) => {
      // An open loop: a birth does not wait for earlier ones, even if the server falls behind.
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
 * @param tell called with the data of each result; undefined if there is none, or if the subscription has ended
 * @returns when it is connected, a function that ends the subscription
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
          // Has no effect once it is connected.
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
  // The type follows from the document.
  const { data } = JSON.parse(answer) as { data: { census: { cursor: string } } };
  return positionOf(data.census.cursor);
}

function positionOf(cursor: string): number {
  const claim = feed.parse(cursor, 'cursor');
  return Number(isPlace(claim) ? claim.positions[0] : claim.position);
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
