/**
 * One subscriber's way through the feed: from its cursor on, every transition of its topic, once and in order. It takes
 * transitions from the tail in memory, or pages from the table if the tail does not reach back far enough. So it owns
 * little more than a place, and a subscriber that does not read costs no memory. It does not know what wakes it.
 *
 * Not an async generator, whose `return()` would wait for the pending `next()`.
 */
import { isPassing } from '../database/failures';
import type { AnyLifecycle } from '../machine';
import type { Page } from '../operations/page';
import type { Place } from '../operations/place';
import type { Transition } from '../store/transition';
import type { Tail } from './Tail';
import { Lagged } from './errors';

/** The transitions that a subscriber wants. */
export interface Topic<L extends AnyLifecycle> {
  /** The machine whose transitions wake the subscriber; undefined for those of any machine. */
  readonly machine?: string;
  readonly accepts: (transition: Transition<L>) => boolean;
  /**
   * Reads the first transitions of the topic after a place, and proves the place.
   *
   * @param last the transition that was delivered last
   */
  readonly read: (after: Place, last: Transition<L> | undefined) => Promise<Page<Transition<L>>>;
}

/** What a subscription needs of its feed. */
export interface Source<L extends AnyLifecycle> {
  readonly tail: Tail<Transition<L>>;
  /** The place where the tail ends. */
  readonly end: () => Place;
  /** Calls back once, when there is something new of the machine, or of any machine. */
  readonly onNews: (machine: string | undefined, callback: () => void) => void;
  /** Calls back once, when the database has answered again. */
  readonly onRecovery: (callback: () => void) => void;
  /** Forgets the subscription, and its callback. */
  readonly leave: (subscription: Subscription<L>, callback: (() => void) | undefined) => void;
  /** How long a subscriber may go without asking, in milliseconds. */
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
  /** Transitions from the table that are not delivered yet, in reverse order. */
  #page: Transition<L>[] = [];
  #last: Transition<L> | undefined;
  #deliveredAt = performance.now();
  #ended = false;
  /** Why the subscription ended, until the subscriber is told. */
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
   * Must not be called again before it has answered.
   *
   * @returns the next transition, once there is one
   * @throws Lagged if the subscriber went too long without asking, and memory no longer has what it missed; FeedRewound
   *   if the database was set back
   */
  async next(): Promise<IteratorResult<Transition<L>, undefined>> {
    const { tail, patience } = this.#source;
    const away = performance.now() - this.#deliveredAt;
    if (!this.#ended && away > patience && !tail.reachesBackTo(this.#position)) {
      this.end();
      throw new Lagged(`The subscriber went ${Math.round(away)} ms without asking.`);
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

  /** The subscriber leaves, possibly while it waits for `next()`. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /**
   * Ends the subscription. The subscriber learns it at once if it waits, otherwise with its next call.
   *
   * @param failure with which `next()` rejects
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
    // Read before the page: since positions follow the order of commits, the page misses nothing up to this end.
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
