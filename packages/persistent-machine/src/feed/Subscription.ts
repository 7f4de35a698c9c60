/**
 * One subscriber's way through a log: from its cursor on, every transition that it is about, in order and
 * once. It takes from the log's tail in memory what is there, and from the table, a page at a time, what is
 * not. So it owns nothing but a place: a subscriber that does not read costs no memory. Does not know what
 * wakes it.
 *
 * An iterator by hand: `return()` of an async generator would wait for the `next()` that is pending.
 */
import { isPassing } from '../database/failures';
import type { AnyLifecycle } from '../machine';
import type { Page } from '../operations/page';
import type { Place } from '../operations/place';
import type { Transition } from '../store/transition';
import type { Tail } from './Tail';
import { Lagged } from './errors';

/** What a subscription is about. */
export interface Topic<L extends AnyLifecycle> {
  /** The machine whose transitions wake the subscriber; undefined: those of any. */
  readonly machine?: string;
  readonly accepts: (transition: Transition<L>) => boolean;
  /**
   * The first of what it is about that is recorded after a place, which is proved to be there still; `last` is what
   * was delivered last.
   */
  readonly read: (after: Place, last: Transition<L> | undefined) => Promise<Page<Transition<L>>>;
}

/** What a subscription needs of its feed. */
export interface Source<L extends AnyLifecycle> {
  readonly tail: Tail<Transition<L>>;
  /** The place where the tail ends. */
  readonly end: () => Place;
  /** Calls back, once, when there is something new of the machine, or of any. */
  readonly onNews: (machine: string | undefined, callback: () => void) => void;
  /** Calls back, once, when the database has answered again. */
  readonly onRecovery: (callback: () => void) => void;
  /** Forgets it, and whatever it still waits for. */
  readonly leave: (subscription: Subscription<L>, callback: (() => void) | undefined) => void;
  /** How long a subscriber may stay away before it is told that it lags, in milliseconds. */
  readonly patience: number;
}

export class Subscription<L extends AnyLifecycle> implements AsyncIterableIterator<
  Transition<L>,
  undefined
> {
  readonly #source: Source<L>;
  readonly #topic: Topic<L>;
  /** Everything up to here was delivered, or waits in `#page`. */
  #place: Place;
  /** What was read from the table and not delivered yet, the next one last. */
  #page: Transition<L>[] = [];
  #last: Transition<L> | undefined;
  #deliveredAt = performance.now();
  #ended = false;
  /** Why it has ended, where the subscriber has not been told yet. */
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @param place after which it begins */
  constructor(source: Source<L>, topic: Topic<L>, place: Place) {
    this.#source = source;
    this.#topic = topic;
    this.#place = place;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * To be asked again only once it has answered.
   *
   * @returns the next transition, once there is one
   * @throws Lagged where the subscriber had not asked for too long, and what it missed is no longer at hand;
   *   FeedRewound where the history that it follows is not the database's any more
   */
  async next(): Promise<IteratorResult<Transition<L>, undefined>> {
    const { tail, patience } = this.#source;
    const away = performance.now() - this.#deliveredAt;
    if (!this.#ended && away > patience && !tail.reachesBackTo(this.#position)) {
      this.end();
      throw new Lagged(`The subscriber stayed away for ${Math.round(away)} ms.`);
    }
    for (;;) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure;
      if (this.#ended) return { done: true, value: undefined };
      const transition = this.#page.pop() ?? this.#takeFromTail();
      if (transition !== undefined) {
        this.#last = transition;
        this.#deliveredAt = performance.now();
        return { done: false, value: transition };
      }
      await (tail.reachesBackTo(this.#position) ? this.#news() : this.#readPage());
    }
  }

  /** The subscriber has gone; at any moment, also while it waits. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /**
   * A subscriber that waits is told at once, another one when it asks.
   *
   * @param failure why it ends; left out: nothing follows
   */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#page = [];
    this.#source.leave(this, this.#wake);
    this.#wake?.();
  }

  get #position(): number {
    return Number(this.#place.position);
  }

  #takeFromTail(): Transition<L> | undefined {
    const { tail, end } = this.#source;
    if (!tail.reachesBackTo(this.#position)) return undefined;
    const next = tail.next(this.#position, this.#topic.accepts)?.entry;
    this.#place = next ?? later(this.#place, end());
    return next;
  }

  async #readPage(): Promise<void> {
    // What the page does not have up to here is not there: positions are in the order of commits.
    const end = this.#source.end();
    const page = await this.#topic.read(this.#place, this.#last).catch((error: unknown) => {
      if (isPassing(error)) return undefined;
      this.end();
      throw error;
    });
    if (this.#ended) return;
    if (page === undefined) {
      await this.#waiting((callback) => {
        this.#source.onRecovery(callback);
      });
      return;
    }
    this.#page = page.nodes.toReversed();
    const last = page.nodes.at(-1) ?? this.#place;
    this.#place = page.hasNextPage ? last : later(last, end);
  }

  async #news(): Promise<void> {
    await this.#waiting((callback) => {
      this.#source.onNews(this.#topic.machine, callback);
    });
  }

  async #waiting(register: (callback: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      register(resolve);
    });
    this.#wake = undefined;
  }
}

function later(one: Place, other: Place): Place {
  return Number(one.position) >= Number(other.position) ? one : other;
}
