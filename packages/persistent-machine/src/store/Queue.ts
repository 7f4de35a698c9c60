/**
 * Entries that wait for a statement of their lane, in order, each until its deadline. Owns the order and the
 * deadlines; does not know what is sent, nor what becomes of it.
 */

/** An entry of a lane, from when it came until it is told what became of it. */
export interface Waiting<Entry, Result> {
  readonly entry: Entry;
  /** Entries with the same key are rivals: what the first is answered says what the others are. */
  readonly key: string;
  /** Only entries of one form are taken together. */
  readonly form: string | undefined;
  /** When it came, and when it is too late, in milliseconds of a clock that never goes back. */
  readonly since: number;
  readonly deadline: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** The trace that it is part of. */
  readonly trace: unknown;
  /** Whether it may have been applied without our being told. */
  uncertain: boolean;
  /** How often another transaction's lock has held it up. */
  heldUp: number;
}

/** Entries of one key: the first is sent, the others are answered from its result. */
export type Rivals<Entry, Result> = Waiting<Entry, Result>[];

export class Queue<Entry, Result> {
  readonly #onExpired: (waiting: Waiting<Entry, Result>) => void;
  #waiting: Waiting<Entry, Result>[] = [];
  /** When entries will be looked through for those whose deadline has passed. */
  #sweepAt = Infinity;
  #sweep: NodeJS.Timeout | undefined;

  /** @param onExpired given each entry whose deadline has passed; it waits no longer */
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

  /** They go before all others. */
  putBack(waiting: readonly Waiting<Entry, Result>[]): void {
    this.#waiting = waiting.concat(this.#waiting);
    for (const { deadline } of waiting) this.#sweepBy(deadline);
  }

  /**
   * Takes the first entries whose deadline has not passed, of the first one's form.
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
          // One that may have been applied is sent itself: no other's result says what became of it.
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

  /** Has the queue looked through at a deadline; one timer serves all, since deadlines come in about their order. */
  #sweepBy(deadline: number): void {
    if (deadline >= this.#sweepAt) return;
    clearTimeout(this.#sweep);
    this.#sweepAt = deadline;
    // Timers go by whole milliseconds, and may come a little before their time.
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
