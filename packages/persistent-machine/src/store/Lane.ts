/**
 * Group commit, and group loading: a short queue before the database, from which whatever has arrived goes
 * as one statement. Natural batching, as in a database's own log: there is no timer; the busier the lane, the
 * larger its groups, and when it is idle an entry goes at once. Owns what is sent when and with whom, retries and
 * settlement; does not know what its entries are, nor any SQL.
 */
import { ConnectionLost, Overloaded, RefusedData, isPassing } from '../database/failures';
import { Backoff } from './Backoff';
import { HELD_UP, HeldUp } from './HeldUp';
import type { LaneSettings } from './LaneSettings';
import { Queue, type Rivals, type Waiting } from './Queue';

/** What is sent on one way: one statement after another, or a few at a time. */
interface Track<Entry, Result> {
  readonly queue: Queue<Entry, Result>;
  readonly groupSize: number;
  inFlight: number;
  scheduled: boolean;
}

/** Made once: under overload a stack for each refusal would take an eighth of the processor's time. */
const FULL = new Overloaded('Too many wait already.');

export class Lane<Entry, Result> {
  readonly #settings: LaneSettings<Entry, Result>;
  readonly #groups: Track<Entry, Result>;
  /** For entries whose group failed because of one of them: the culprit then holds up and fails no others. */
  readonly #singles: Track<Entry, Result>;
  /** The keys of the entries that are in flight alone. */
  readonly #triedAlone = new Set<string>();
  readonly #heldUp = new HeldUp<Entry, Result>();
  readonly #backoff = new Backoff(() => {
    this.#schedule(this.#groups);
    this.#schedule(this.#singles);
  });

  constructor(settings: LaneSettings<Entry, Result>) {
    this.#settings = settings;
    const track = (groupSize: number): Track<Entry, Result> => ({
      queue: new Queue((waiting) => {
        waiting.reject(this.#backoff.tooLate(waiting.uncertain));
      }),
      groupSize,
      inFlight: 0,
      scheduled: false,
    });
    this.#groups = track(settings.groupSize);
    this.#singles = track(1);
  }

  /** How many entries wait. */
  get length(): number {
    return this.#groups.queue.length + this.#singles.queue.length + this.#heldUp.length;
  }

  /** Whether the next entry would be refused at once. Entries that a lock holds up take no other's place. */
  get isFull(): boolean {
    const waiting = this.#groups.queue.length + this.#singles.queue.length;
    return waiting >= this.#settings.queueSize;
  }

  /**
   * @param deadline by `performance.now()`: an entry that still waits then is told so
   * @returns what its group's statement answered for it
   * @throws Overloaded where the queue is full, or the deadline passed; DatabaseUnavailable where that is
   *   why it passed; OutcomeUnknown where it passed while it was not known what became of the entry;
   *   RefusedData
   */
  async submit(entry: Entry, deadline: number): Promise<Result> {
    if (this.isFull) throw FULL;
    const since = performance.now();
    if (deadline <= since) throw this.#backoff.tooLate(false);
    return new Promise((resolve, reject) => {
      this.#groups.queue.append({
        entry,
        key: this.#settings.keyOf(entry),
        form: this.#settings.formOf?.(entry),
        since,
        deadline,
        resolve,
        reject,
        trace: this.#settings.tracer?.current(),
        uncertain: false,
        heldUp: 0,
      });
      this.#schedule(this.#groups);
    });
  }

  /** After this turn of the event loop, so that all that arrives in it goes together. */
  #schedule(track: Track<Entry, Result>): void {
    const busy = track.inFlight >= this.#settings.inFlight;
    if (track.scheduled || this.#backoff.isPausing || busy || track.queue.length === 0) return;
    track.scheduled = true;
    setImmediate(() => {
      track.scheduled = false;
      void this.#runNextGroup(track);
    });
  }

  async #runNextGroup(track: Track<Entry, Result>): Promise<void> {
    const group = this.#takeGroup(track);
    if (group.length === 0) {
      // All that were taken wait elsewhere now.
      this.#schedule(track);
      return;
    }
    const leaders = group.flatMap((rivals) => rivals.slice(0, 1));
    track.inFlight += 1;
    // Where the lane may have a second statement in flight.
    this.#schedule(track);
    let results;
    try {
      results = await this.#execute(group, leaders);
    } catch (error) {
      this.#land(track, group);
      this.#failGroup(error, group, track);
      this.#schedule(track);
      return;
    }
    this.#land(track, group);
    this.#backoff.reset();
    await this.#sendOthers(track);
    await this.#answer(group, results, track);
  }

  #land(track: Track<Entry, Result>, group: readonly Rivals<Entry, Result>[]): void {
    track.inFlight -= 1;
    if (track === this.#singles) for (const key of keysOf(group)) this.#triedAlone.delete(key);
  }

  #takeGroup(track: Track<Entry, Result>): Rivals<Entry, Result>[] {
    const group = track.queue
      .take(track.groupSize)
      .filter((rivals) => !this.#setApart(rivals, track));
    if (track === this.#singles) for (const key of keysOf(group)) this.#triedAlone.add(key);
    return group;
  }

  /**
   * Entries whose rivals are held up, or go alone, go the same way: they would hold up a group.
   *
   * @returns whether they do
   */
  #setApart(rivals: Rivals<Entry, Result>, track: Track<Entry, Result>): boolean {
    if (this.#heldUp.length > 0 && this.#heldUp.join(rivals)) return true;
    const { queue } = this.#singles;
    if (track === this.#singles || (queue.length === 0 && this.#triedAlone.size === 0))
      return false;
    const goAlone = keysOf([rivals]).some((key) => this.#triedAlone.has(key) || queue.has(key));
    if (!goAlone) return false;
    for (const waiting of rivals) queue.append(waiting);
    this.#schedule(this.#singles);
    return true;
  }

  async #execute(
    group: readonly Rivals<Entry, Result>[],
    leaders: readonly Waiting<Entry, Result>[],
  ): Promise<readonly (Result | typeof HELD_UP)[]> {
    const [first] = leaders;
    if (first) this.#settings.observe?.(leaders.length, performance.now() - first.since);
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
  async #sendOthers(track: Track<Entry, Result>): Promise<void> {
    if (this.#backoff.isPausing || track.queue.length === 0) return;
    if (!track.scheduled) void this.#runNextGroup(track);
    // By then it is on its way, where a connection is free.
    await new Promise(setImmediate);
  }

  async #answer(
    group: readonly Rivals<Entry, Result>[],
    results: readonly (Result | typeof HELD_UP)[],
    track: Track<Entry, Result>,
  ): Promise<void> {
    await Promise.all(
      group.map(async (rivals, index) => {
        // `execute` answers in the group's order, one for each.
        const result = results[index] as Result | typeof HELD_UP;
        if (result === HELD_UP) {
          this.#hold(rivals, track);
          return;
        }
        const [leader, ...followers] = rivals;
        for (const { resolve } of followers) resolve(this.#settings.follow(result));
        if (leader) await this.#answerOne(leader, result, track);
      }),
    );
  }

  async #answerOne(
    leader: Waiting<Entry, Result>,
    result: Result,
    track: Track<Entry, Result>,
  ): Promise<void> {
    const { settle } = this.#settings;
    if (!leader.uncertain || settle === undefined) {
      leader.resolve(result);
      return;
    }
    try {
      leader.resolve(await settle(leader.entry, result, leader.deadline));
    } catch (error) {
      this.#fail(error, [leader], [], track);
    }
  }

  /** What a failed statement means for the group that it was sent for. */
  #failGroup(
    error: unknown,
    group: readonly Rivals<Entry, Result>[],
    track: Track<Entry, Result>,
  ): void {
    const isHeldUp = this.#settings.isHeldUp?.(error) ?? false;
    const [only, ...others] = group;
    if (others.length > 0 && (isHeldUp || error instanceof RefusedData)) {
      // One by one, so that the culprit fails no other entry. They go before the culprits of other groups.
      this.#singles.queue.putBack(group.flat());
      this.#schedule(this.#singles);
    } else if (isHeldUp && only) {
      this.#hold(only, this.#singles);
    } else {
      const leaders = group.flatMap((rivals) => rivals.slice(0, 1));
      const followers = group.flatMap((rivals) => rivals.slice(1));
      this.#fail(error, leaders, followers, track);
    }
  }

  /** What a failure means for those that a statement was sent for, and for those that were to follow them. */
  #fail(
    error: unknown,
    leaders: Waiting<Entry, Result>[],
    followers: Waiting<Entry, Result>[],
    { queue }: Track<Entry, Result>,
  ): void {
    const refused = error instanceof RefusedData;
    if (error instanceof ConnectionLost && this.#settings.settle !== undefined) {
      for (const leader of leaders) leader.uncertain = true;
    }
    // What was refused was not the followers'.
    const affected = refused ? leaders : [...leaders, ...followers];
    const goesAgain = ({ uncertain }: Waiting<Entry, Result>): boolean =>
      uncertain || isPassing(error);
    for (const each of affected) if (!goesAgain(each)) each.reject(error);
    const again = affected.filter(goesAgain);
    queue.putBack(refused ? [...again, ...followers] : again);
    if (again.length > 0) this.#backoff.pause(error);
  }

  /** Entries that a lock holds up wait for nothing but the lock, and nothing waits for them. */
  #hold(rivals: Rivals<Entry, Result>, track: Track<Entry, Result>): void {
    const room = this.#settings.queueSize - this.#heldUp.length;
    const held: Rivals<Entry, Result> = [];
    for (const waiting of rivals) {
      // One that may have been applied must not be told that it was not.
      if (held.length < room || waiting.uncertain) held.push(waiting);
      else waiting.reject(FULL);
    }
    this.#heldUp.hold(held, (again) => {
      // Behind all others: the lock may hold them up once more.
      for (const waiting of again) track.queue.append(waiting);
      this.#schedule(track);
    });
  }
}

function keysOf(group: readonly Rivals<unknown, never>[]): string[] {
  return group.flatMap((rivals) => rivals.slice(0, 1).map(({ key }) => key));
}
