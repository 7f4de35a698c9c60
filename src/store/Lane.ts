/**
 * Group commit, and group loading: a short queue before the database, from which whatever has arrived goes
 * as one statement. Natural batching, as in a database's own log: there is no timer; the busier the lane, the
 * larger its groups, and when it is idle an entry goes at once. Owns queueing, deadlines, retries and
 * settlement; does not know what its entries are, nor any SQL.
 */
import {
  ConnectionLost,
  OutcomeUnknown,
  Overloaded,
  RefusedData,
  Unreachable,
  isPassing,
} from '../database/failures';

/** Whoever follows requests on their way to the database, where many of them become one statement. */
export interface GroupTracer {
  /** @returns the trace that whoever calls is part of, whatever that is */
  readonly current: () => unknown;
  /**
   * @param requests the traces that the entries of a group are part of, the first one's first
   * @param statement runs what is sent for all of them
   */
  readonly run: <T>(requests: readonly unknown[], statement: () => Promise<T>) => Promise<T>;
}

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
   * again, and was answered this result; to be found out by the entry's deadline. Left out: a lost answer is
   * no different from none.
   */
  readonly settle?: (entry: Entry, result: Result, deadline: number) => Promise<Result>;
  /** The most entries of a group. */
  readonly groupSize: number;
  /** The most entries that wait; more are refused at once. */
  readonly queueSize: number;
  /** The most statements in flight. */
  readonly inFlight: number;
  /** Told of each group that is sent: its size, and how long its first entry had waited, in milliseconds. */
  readonly observe?: (size: number, waited: number) => void;
  /** Undefined: nobody follows. */
  readonly tracer?: GroupTracer | undefined;
}

interface Waiting<Entry, Result> {
  readonly entry: Entry;
  /** When it came, and when it is too late, in milliseconds of the system's clock. */
  readonly since: number;
  readonly deadline: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** The trace that it is part of. */
  readonly trace: unknown;
  /** Whether it may have been applied without our being told. */
  uncertain: boolean;
  /** Whether it goes without company, since a group that it was in was refused. */
  alone: boolean;
}

/** Entries of one key: the first is sent, the others are answered from its result. */
type Rivals<Entry, Result> = Waiting<Entry, Result>[];

/** The longest pause after a first failure, doubled with each further one up to the last; in milliseconds. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;

export class Lane<Entry, Result> {
  readonly #settings: LaneSettings<Entry, Result>;
  #queue: Waiting<Entry, Result>[] = [];
  #inFlight = 0;
  #scheduled = false;
  #paused = false;
  /** Why statements have failed since the last success, and how many in a row. */
  #trouble: unknown;
  #failures = 0;
  /** When entries will be looked through for those whose deadline has passed. */
  #sweepAt = Infinity;
  #sweep: NodeJS.Timeout | undefined;

  constructor(settings: LaneSettings<Entry, Result>) {
    this.#settings = settings;
  }

  /** How many entries wait for their statement. */
  get length(): number {
    return this.#queue.length;
  }

  /** Whether the next entry would be refused at once. */
  get isFull(): boolean {
    return this.#queue.length >= this.#settings.queueSize;
  }

  /**
   * @param deadline in milliseconds of the system's clock: an entry that still waits then is told so
   * @returns what its group's statement answered for it
   * @throws Overloaded where the queue is full, or the deadline passed; DatabaseUnavailable where that is
   *   why it passed; OutcomeUnknown where it passed while it was not known what became of the entry;
   *   RefusedData
   */
  async submit(entry: Entry, deadline: number): Promise<Result> {
    if (this.isFull) {
      throw new Overloaded('Too many wait already.');
    }
    return new Promise((resolve, reject) => {
      const since = Date.now();
      this.#queue.push({
        entry,
        since,
        deadline,
        resolve,
        reject,
        trace: this.#settings.tracer?.current(),
        uncertain: false,
        alone: false,
      });
      this.#sweepBy(deadline);
      this.#schedule();
    });
  }

  /** After this turn of the event loop, so that all that arrives in it goes together. */
  #schedule(): void {
    const busy = this.#inFlight >= this.#settings.inFlight;
    if (this.#scheduled || this.#paused || busy || this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#runNextGroup();
    });
  }

  async #runNextGroup(): Promise<void> {
    const group = this.#takeGroup();
    if (group.length === 0) return;
    const leaders = group.flatMap((rivals) => rivals.slice(0, 1));
    this.#inFlight += 1;
    // Where the lane may have a second statement in flight.
    this.#schedule();
    let results;
    try {
      results = await this.#execute(group, leaders);
    } catch (error) {
      this.#inFlight -= 1;
      const followers = group.flatMap((rivals) => rivals.slice(1));
      this.#fail(error, leaders, followers);
      this.#schedule();
      return;
    }
    this.#inFlight -= 1;
    this.#failures = 0;
    this.#trouble = undefined;
    await this.#sendOthers();
    await this.#answer(group, results);
  }

  /** The first entries of the queue, by their keys. */
  #takeGroup(): Rivals<Entry, Result>[] {
    this.#rejectExpired();
    const group = new Map<string, Rivals<Entry, Result>>();
    let taken = 0;
    for (const waiting of this.#queue) {
      if (waiting.alone && group.size > 0) break;
      const key = this.#settings.keyOf(waiting.entry);
      const rivals = group.get(key);
      if (rivals === undefined) {
        if (group.size >= this.#settings.groupSize) break;
        group.set(key, [waiting]);
      } else {
        // One that may have been applied is sent itself: no other's result says what became of it.
        if (waiting.uncertain) break;
        rivals.push(waiting);
      }
      taken += 1;
      if (waiting.alone) break;
    }
    this.#queue = this.#queue.slice(taken);
    return [...group.values()];
  }

  async #execute(
    group: readonly Rivals<Entry, Result>[],
    leaders: readonly Waiting<Entry, Result>[],
  ): Promise<readonly Result[]> {
    const [first] = leaders;
    if (first) this.#settings.observe?.(leaders.length, Date.now() - first.since);
    const { execute, tracer } = this.#settings;
    const entries = leaders.map(({ entry }) => entry);
    if (!tracer) return execute(entries);
    // Whoever happened to have the group sent off need not be in it.
    return tracer.run(
      group.flat().map(({ trace }) => trace),
      () => execute(entries),
    );
  }

  /**
   * Those who wait go to the database before those whose answers have come are told: it would else have nothing to
   * do for as long as the answers take, which is a fifth of the time under load.
   */
  async #sendOthers(): Promise<void> {
    if (this.#paused || this.#queue.length === 0) return;
    if (!this.#scheduled) void this.#runNextGroup();
    // By then it is on its way, where a connection is free.
    await new Promise(setImmediate);
  }

  async #answer(
    group: readonly Rivals<Entry, Result>[],
    results: readonly Result[],
  ): Promise<void> {
    await Promise.all(
      group.map(async ([leader, ...followers], index) => {
        // `execute` answers in the group's order, one for each.
        const result = results[index] as Result;
        for (const { resolve } of followers) resolve(this.#settings.follow(result));
        if (leader) await this.#answerOne(leader, result);
      }),
    );
  }

  async #answerOne(leader: Waiting<Entry, Result>, result: Result): Promise<void> {
    const { settle } = this.#settings;
    if (!leader.uncertain || settle === undefined) {
      leader.resolve(result);
      return;
    }
    try {
      leader.resolve(await settle(leader.entry, result, leader.deadline));
    } catch (error) {
      this.#fail(error, [leader], []);
    }
  }

  /** What a failed statement means for those that it was sent for, and for those that were to follow them. */
  #fail(
    error: unknown,
    leaders: Waiting<Entry, Result>[],
    followers: Waiting<Entry, Result>[],
  ): void {
    const refused = error instanceof RefusedData;
    if (refused && leaders.length > 1) {
      // One by one, so that the culprit fails nobody else.
      for (const leader of leaders) leader.alone = true;
      this.#putBack([...leaders, ...followers]);
      return;
    }
    if (error instanceof ConnectionLost && this.#settings.settle !== undefined) {
      for (const leader of leaders) leader.uncertain = true;
    }
    // What was refused was not the followers'.
    const affected = refused ? leaders : [...leaders, ...followers];
    const goesAgain = ({ uncertain }: Waiting<Entry, Result>): boolean =>
      uncertain || isPassing(error);
    for (const each of affected) if (!goesAgain(each)) each.reject(error);
    const again = affected.filter(goesAgain);
    this.#putBack(refused ? [...again, ...followers] : again);
    if (again.length > 0) this.#pause(error);
  }

  #putBack(waiting: Waiting<Entry, Result>[]): void {
    this.#queue = waiting.concat(this.#queue);
    for (const { deadline } of waiting) this.#sweepBy(deadline);
  }

  /** Lets the lane hold its breath: for longer with each failure, and at random, so that not all come back at once. */
  #pause(error: unknown): void {
    if (isPassing(error)) this.#trouble = error;
    if (this.#paused) return;
    this.#paused = true;
    setTimeout(() => {
      this.#paused = false;
      this.#schedule();
    }, pauseAfter(this.#failures));
    this.#failures += 1;
  }

  /** Has the queue looked through at a deadline; one timer serves all, since deadlines come in about their order. */
  #sweepBy(deadline: number): void {
    if (deadline >= this.#sweepAt) return;
    clearTimeout(this.#sweep);
    this.#sweepAt = deadline;
    this.#sweep = setTimeout(() => {
      this.#sweepAt = Infinity;
      this.#rejectExpired();
      const next = this.#queue.reduce((first, each) => Math.min(first, each.deadline), Infinity);
      if (next < Infinity) this.#sweepBy(next);
    }, deadline - Date.now()).unref();
  }

  #rejectExpired(): void {
    const now = Date.now();
    if (!this.#queue.some(({ deadline }) => deadline <= now)) return;
    const expired = this.#queue.filter(({ deadline }) => deadline <= now);
    this.#queue = this.#queue.filter(({ deadline }) => deadline > now);
    const trouble = this.#trouble ?? new Overloaded('The deadline passed in the queue.');
    for (const waiting of expired) waiting.reject(tooLate(waiting, trouble));
  }
}

/** How long to let the database be after some failures before this one, in milliseconds; at random. */
function pauseAfter(failures: number): number {
  return Math.random() * Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE);
}

/** What to tell whom the deadline found waiting. */
function tooLate({ uncertain }: { readonly uncertain: boolean }, trouble: unknown): unknown {
  if (uncertain) return new OutcomeUnknown({}, { cause: trouble });
  if (trouble instanceof ConnectionLost)
    return new Unreachable(trouble.message, { cause: trouble });
  return trouble;
}
