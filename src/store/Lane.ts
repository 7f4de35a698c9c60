/**
 * Group commit, and group loading: a short queue before the database, from which whatever has arrived goes
 * as one statement. Natural batching, as in a database's own log: there is no timer; the busier the lane, the
 * larger its groups, and when it is idle an entry goes at once. Owns queueing, deadlines, retries and
 * settlement; does not know what its entries are, nor any SQL.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConnectionLost,
  OutcomeUnknown,
  Overloaded,
  RefusedData,
  Unreachable,
} from '../database/failures';

export interface LaneSettings<Entry, Result> {
  /** Runs a group as one statement, all or nothing; answers in the group's order. */
  readonly execute: (group: readonly Entry[]) => Promise<readonly Result[]>;
  /**
   * Of entries with the same key only the first one of a group is sent. The others are answered, by
   * `follow`, from the first one's result.
   */
  readonly keyOf: (entry: Entry) => string;
  readonly follow: (first: Result) => Result;
  /**
   * For entries that change something: what became of an entry which was sent, lost its answer, was sent
   * again, and was answered this result. Left out: a lost answer is no different from none.
   */
  readonly settle?: (entry: Entry, result: Result) => Promise<Result>;
  /** The most entries of a group. */
  readonly groupSize: number;
  /** The most entries that wait; more are refused at once. */
  readonly queueSize: number;
  /** The most statements in flight. */
  readonly inFlight: number;
}

interface Waiting<Entry, Result> {
  readonly entry: Entry;
  /** In milliseconds of the system's clock. */
  readonly deadline: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** Whether it may have been applied without our being told. */
  uncertain: boolean;
}

/** Before a second try, at most; doubled with each further one, and drawn at random below that. In milliseconds. */
const FIRST_DELAY = 20;
const LONGEST_DELAY = 500;

export class Lane<Entry, Result> {
  readonly #settings: LaneSettings<Entry, Result>;
  #queue: Waiting<Entry, Result>[] = [];
  #inFlight = 0;
  #scheduled = false;
  /** How many statements in a row have failed for a passing reason. */
  #failures = 0;

  constructor(settings: LaneSettings<Entry, Result>) {
    this.#settings = settings;
  }

  /** How many entries wait for their statement. */
  get length(): number {
    return this.#queue.length;
  }

  /**
   * @param deadline in milliseconds of the system's clock: after it the entry is not sent any more
   * @returns what its group's statement answered for it
   * @throws Overloaded where the queue is full, or the deadline passed; DatabaseUnavailable, where that is
   *   why it passed; OutcomeUnknown where it passed while it was not known what became of the entry;
   *   RefusedData
   */
  async submit(entry: Entry, deadline: number): Promise<Result> {
    if (this.#queue.length >= this.#settings.queueSize) {
      throw new Overloaded('Too many wait already.');
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, deadline, resolve, reject, uncertain: false });
      this.#schedule();
    });
  }

  /** After this turn of the event loop, so that all that arrives in it goes together. */
  #schedule(): void {
    const busy = this.#inFlight >= this.#settings.inFlight;
    if (this.#scheduled || busy || this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#runNextGroup();
    });
  }

  async #runNextGroup(): Promise<void> {
    const group = this.#takeGroup();
    if (group.size === 0) return;
    this.#inFlight += 1;
    // Where the lane may have a second statement in flight.
    this.#schedule();
    await this.#run(group);
    this.#inFlight -= 1;
    this.#schedule();
  }

  /** The first entries of the queue, by their key: each with those that will be answered from its result. */
  #takeGroup(): Map<string, Waiting<Entry, Result>[]> {
    const group = new Map<string, Waiting<Entry, Result>[]>();
    const now = Date.now();
    let taken = 0;
    for (const waiting of this.#queue) {
      if (waiting.deadline <= now) {
        waiting.reject(tooLate(waiting, new Overloaded('The deadline passed in the queue.')));
      } else {
        const key = this.#settings.keyOf(waiting.entry);
        const rivals = group.get(key);
        // One that may have been applied is sent itself, since no other's result says what became of it.
        if (rivals !== undefined && waiting.uncertain) break;
        if (rivals === undefined && group.size >= this.#settings.groupSize) break;
        if (rivals === undefined) group.set(key, [waiting]);
        else rivals.push(waiting);
      }
      taken += 1;
    }
    this.#queue = this.#queue.slice(taken);
    return group;
  }

  async #run(group: Map<string, Waiting<Entry, Result>[]>): Promise<void> {
    const rivals = [...group.values()];
    const first = rivals.flatMap(([leader]) => leader ?? []);
    let results: readonly Result[];
    try {
      results = await this.#settings.execute(first.map(({ entry }) => entry));
    } catch (error) {
      await this.#handle(error, group);
      return;
    }
    this.#failures = 0;
    await Promise.all(
      rivals.map(async ([leader, ...followers], index) => {
        // `execute` answers in the group's order, one for each.
        const result = results[index] as Result;
        if (leader === undefined) return;
        for (const { resolve } of followers) resolve(this.#settings.follow(result));
        await this.#answer(leader, result);
      }),
    );
  }

  async #answer(waiting: Waiting<Entry, Result>, result: Result): Promise<void> {
    const { settle } = this.#settings;
    if (!waiting.uncertain || settle === undefined) {
      waiting.resolve(result);
      return;
    }
    try {
      waiting.resolve(await settle(waiting.entry, result));
    } catch (error) {
      await this.#goRoundAgain(error, [waiting]);
    }
  }

  /** What a failed statement means for the group that it was for. */
  async #handle(error: unknown, group: Map<string, Waiting<Entry, Result>[]>): Promise<void> {
    if (error instanceof RefusedData && group.size > 1) {
      // One by one, so that the culprit fails nobody else.
      for (const [key, rivals] of group) await this.#run(new Map([[key, rivals]]));
      return;
    }
    const leaders = [...group.values()].flatMap((rivals) => rivals.slice(0, 1));
    const followers = [...group.values()].flatMap((rivals) => rivals.slice(1));
    if (error instanceof ConnectionLost && this.#settings.settle !== undefined) {
      for (const leader of leaders) leader.uncertain = true;
    }
    // The followers were not sent: what was refused was not theirs.
    if (error instanceof RefusedData) {
      this.#queue.unshift(...followers);
      await this.#goRoundAgain(error, leaders);
    } else {
      await this.#goRoundAgain(error, [...leaders, ...followers]);
    }
  }

  /** Back to the head of the queue, where trying again may help; the lane holds its breath meanwhile. */
  async #goRoundAgain(error: unknown, waiting: readonly Waiting<Entry, Result>[]): Promise<void> {
    const now = Date.now();
    const again: Waiting<Entry, Result>[] = [];
    for (const each of waiting) {
      if ((isPassing(error) || each.uncertain) && each.deadline > now) again.push(each);
      else each.reject(tooLate(each, error));
    }
    if (again.length === 0) return;

    const longest = Math.min(FIRST_DELAY * 2 ** this.#failures, LONGEST_DELAY);
    this.#failures += 1;
    await sleep(Math.random() * longest);
    this.#queue.unshift(...again);
  }
}

/** Whether trying again may help. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof Overloaded || error instanceof Unreachable || error instanceof ConnectionLost
  );
}

/** What to tell whom the deadline found waiting, or whom trying again does not help. */
function tooLate({ uncertain }: { readonly uncertain: boolean }, error: unknown): unknown {
  if (uncertain) return new OutcomeUnknown({}, { cause: error });
  if (error instanceof ConnectionLost) return new Unreachable(error.message, { cause: error });
  return error;
}
