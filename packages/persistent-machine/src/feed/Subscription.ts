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
import { type Place, advanced, includes, isAfter, later } from '../operations/place';
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
  /** The number of the tail's next entry; undefined while the subscriber reads the table. */
  #next: number | undefined;
  /** Whether the tail has been here, too. Then the places of its entries are the subscriber's. */
  #isAligned = false;
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
    const away = performance.now() - this.#deliveredAt;
    if (!this.#ended && away > this.#source.patience && !this.#isInMemory()) {
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
      await (this.#isInMemory() ? this.#news() : this.#readPage());
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

  /** Whether the tail has everything after the subscriber's place. If so, the subscriber reads the tail from now on. */
  #isInMemory(): boolean {
    const { tail } = this.#source;
    if (this.#next !== undefined && tail.has(this.#next)) return true;
    this.#next = tail.startAfter(this.#place);
    this.#isAligned = false;
    return this.#next !== undefined;
  }

  #takeFromTail(): Transition<L> | undefined {
    if (!this.#isInMemory()) return undefined;
    const { tail } = this.#source;
    for (let next = this.#next ?? 0; ; next += 1) {
      const entry = tail.at(next);
      this.#next = next;
      if (entry === undefined) return undefined;
      const transition = this.#isAligned ? entry : this.#align(entry);
      if (transition === undefined) continue;
      this.#place = transition.place ?? this.#place;
      if (!this.#topic.accepts(transition)) continue;
      this.#next = next + 1;
      return transition;
    }
  }

  /**
   * A subscriber that comes from the table, or with a cursor of another instance, may be further than the tail in some
   * partitions. Until the tail is there, too, it has places of its own.
   *
   * @returns undefined if the subscriber is past the entry
   */
  #align(entry: Transition<L>): Transition<L> | undefined {
    const mark = this.#place[entry.partition];
    if (mark === undefined || !isAfter(entry, mark)) return undefined;
    const place = advanced(this.#place, entry);
    this.#isAligned = entry.place !== undefined && includes(entry.place, place);
    return this.#isAligned ? entry : { ...entry, place };
  }

  async #readPage(): Promise<void> {
    // Read before the page, which then misses nothing up to this end: positions follow the order of commits.
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
    const last = page.nodes.at(-1);
    // A history has no places, but it has the marks of one partition.
    const place = last === undefined ? this.#place : (last.place ?? advanced(this.#place, last));
    this.#place = page.hasNextPage ? place : later(place, end);
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
