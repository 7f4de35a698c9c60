/**
 * Entries that wait for a statement of their lane. It owns their order and deadlines, and does not know what is sent.
 */

/** An entry of a lane, from its arrival to its answer. */
export interface Waiting<Entry, Result> {
  readonly entry: Entry;
  /** Entries with the same key are rivals: the answer to the first decides those to the others. */
  readonly key: string;
  /** Only entries of the same form are taken together. */
  readonly form: string | undefined;
  /** When it arrived, and its deadline, by `performance.now()`. */
  readonly since: number;
  readonly deadline: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** The trace of its request. */
  readonly trace: unknown;
  /** Whether it may have been applied, and the answer was lost. */
  uncertain: boolean;
  /** How often another transaction's lock has held it up. */
  heldUp: number;
}

/** Entries with the same key. The first is sent, and the others are answered from its result. */
export type Rivals<Entry, Result> = Waiting<Entry, Result>[];

export class Queue<Entry, Result> {
  readonly #onExpired: (waiting: Waiting<Entry, Result>) => void;
  #waiting: Waiting<Entry, Result>[] = [];
  /** When the queue will next be searched for entries whose deadline has passed. */
  #sweepAt = Infinity;
  #sweep: NodeJS.Timeout | undefined;

  /** @param onExpired called with each entry whose deadline has passed, once it is out of the queue */
  constructor(onExpired: (waiting: Waiting<Entry, Result>) => void) {
    this.#onExpired = onExpired;
  }

  get length(): number {
    return this.#waiting.length;
  }

  has(key: string): boolean {
    return this.#waiting.some((waiting) => waiting.key === key);
  }

  append(waiting: Waiting<Entry, Result>): void {
    this.#waiting.push(waiting);
    this.#sweepBy(waiting.deadline);
  }

  /** Puts entries before all others. */
  putBack(waiting: readonly Waiting<Entry, Result>[]): void {
    this.#waiting = waiting.concat(this.#waiting);
    for (const { deadline } of waiting) this.#sweepBy(deadline);
  }

  /**
   * Takes the first entries of the same form, after rejecting those whose deadline has passed.
   *
   * @param most the most keys
   */
  take(most: number): Rivals<Entry, Result>[] {
    this.#rejectExpired();
    const group = new Map<string, Rivals<Entry, Result>>();
    const form = this.#waiting[0]?.form;
    const passedOver: Waiting<Entry, Result>[] = [];
    let seen = 0;
    for (const waiting of this.#waiting) {
      if (waiting.form === form) {
        const rivals = group.get(waiting.key);
        if (rivals === undefined) {
          if (group.size >= most) break;
          group.set(waiting.key, [waiting]);
        } else {
          // An uncertain entry must be sent itself, since no other entry's result says what became of it.
          if (waiting.uncertain) break;
          rivals.push(waiting);
        }
      } else {
        passedOver.push(waiting);
      }
      seen += 1;
    }
    const others = this.#waiting.slice(seen);
    this.#waiting = passedOver.length === 0 ? others : passedOver.concat(others);
    return [...group.values()];
  }

  /** Schedules a search at a deadline. One timer serves all entries, which arrive in about the order of deadlines. */
  #sweepBy(deadline: number): void {
    if (deadline >= this.#sweepAt) return;
    clearTimeout(this.#sweep);
    this.#sweepAt = deadline;
    // Timers count in whole milliseconds, and may fire slightly early.
    const pause = Math.max(1, Math.ceil(deadline - performance.now()));
    this.#sweep = setTimeout(() => {
      this.#sweepAt = Infinity;
      this.#rejectExpired();
      const next = this.#waiting.reduce((first, each) => Math.min(first, each.deadline), Infinity);
      if (next < Infinity) this.#sweepBy(next);
    }, pause).unref();
  }

  #rejectExpired(): void {
    const now = performance.now();
    if (!this.#waiting.some(({ deadline }) => deadline <= now)) return;
    const expired = this.#waiting.filter(({ deadline }) => deadline <= now);
    this.#waiting = this.#waiting.filter(({ deadline }) => deadline > now);
    for (const waiting of expired) this.#onExpired(waiting);
  }
}

/** The key of each of several rivals. */
export function keysOf(group: readonly Rivals<unknown, never>[]): string[] {
  return group.flatMap((rivals) => rivals.slice(0, 1).map(({ key }) => key));
}
