/**
 * Group commit, and group loading: a short queue before the database, from which all that has arrived goes as one
 * statement. As in a database's own log there is no timer: the busier the lane, the larger its groups, and an idle
 * lane sends an entry at once. It owns grouping, retries and settlement; it knows neither what its entries mean, nor
 * SQL.
 */
import { ConnectionLost, Overloaded, RefusedData, isPassing } from '../database/failures';
import { Backoff } from './Backoff';
import { HELD_UP, HeldUp } from './HeldUp';
import type { LaneSettings } from './LaneSettings';
import { Queue, type Rivals, type Waiting, keysOf } from './Queue';
import { Slots } from './Slots';

/** A queue and its statements in flight. */
interface Track<Entry, Result> {
  readonly queue: Queue<Entry, Result>;
  readonly groupSize: number;
  inFlight: number;
  scheduled: boolean;
}

/** Made once: under overload, a stack trace for each refusal would take an eighth of the processor's time. */
export const FULL = new Overloaded('The queue is full.');

/** What the store and the readers need of a lane. */
export type LaneLike<Entry, Result> = Pick<Lane<Entry, Result>, 'length' | 'isFull' | 'submit'>;

export class Lane<Entry, Result> {
  readonly #settings: LaneSettings<Entry, Result>;
  readonly #slots: Slots;
  readonly #groups: Track<Entry, Result>;
  /** For the entries of a group that one of them made fail: alone, the culprit fails no others. */
  readonly #singles: Track<Entry, Result>;
  /** The keys of the entries of `#singles` that are in flight. */
  readonly #triedAlone = new Set<string>();
  readonly #heldUp = new HeldUp<Entry, Result>();
  readonly #backoff = new Backoff(() => {
    this.#schedule(this.#groups);
    this.#schedule(this.#singles);
  });

  constructor(settings: LaneSettings<Entry, Result>) {
    this.#settings = settings;
    this.#slots = settings.slots ?? new Slots(Infinity);
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

  /** Whether the next entry would be refused. Entries that a lock holds up do not count. */
  get isFull(): boolean {
    return this.inQueue >= this.#settings.queueSize;
  }

  /** How many entries wait in the queue. Entries that a lock holds up are not in it. */
  get inQueue(): number {
    return this.#groups.queue.length + this.#singles.queue.length;
  }

  /**
   * @param deadline by `performance.now()`; an entry that still waits then is rejected
   * @returns the statement's answer for this entry
   * @throws Overloaded if the queue is full or the deadline passed; DatabaseUnavailable if the deadline passed because
   *   the database failed; OutcomeUnknown if it passed, and the entry may have been applied; RefusedData
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

  /** Sends the next group after this turn of the event loop, so that all that arrives in it goes together. */
  #schedule(track: Track<Entry, Result>): void {
    const busy = track.inFlight >= this.#settings.inFlight;
    if (track.scheduled || this.#backoff.isPausing || busy || track.queue.length === 0) return;
    track.scheduled = true;
    setImmediate(() => {
      this.#runInSlot(track);
    });
  }

  /** Its entries stay in the queue until there is a slot. */
  #runInSlot(track: Track<Entry, Result>): void {
    track.scheduled = true;
    this.#slots.take(() => {
      track.scheduled = false;
      // After the pause the lane schedules again.
      if (this.#backoff.isPausing) this.#slots.giveBack();
      else void this.#runNextGroup(track);
    });
  }

  async #runNextGroup(track: Track<Entry, Result>): Promise<void> {
    const group = this.#takeGroup(track);
    if (group.length === 0) {
      // All entries that were taken now wait elsewhere.
      this.#slots.giveBack();
      this.#schedule(track);
      return;
    }
    const leaders = group.flatMap((rivals) => rivals.slice(0, 1));
    track.inFlight += 1;
    // The lane may have another statement in flight.
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
    this.#slots.giveBack();
  }

  #takeGroup(track: Track<Entry, Result>): Rivals<Entry, Result>[] {
    const group = track.queue
      .take(track.groupSize)
      .filter((rivals) => !this.#setApart(rivals, track));
    if (track === this.#singles) for (const key of keysOf(group)) this.#triedAlone.add(key);
    return group;
  }

  /**
   * Moves entries to their rivals, if those are held up or go alone: in a group they would hold up the others.
   *
   * @returns whether they were moved
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
    // The current trace belongs to the caller that triggered the sending, whose entry need not be in the group.
    return tracer.run(
      group.flat().map(({ trace }) => trace),
      () => execute(entries),
    );
  }

  /**
   * Sends the next group before answering this one. Otherwise PostgreSQL would idle while the answers are handled,
   * which under load is a fifth of the time.
   */
  async #sendOthers(track: Track<Entry, Result>): Promise<void> {
    if (this.#backoff.isPausing || track.queue.length === 0) return;
    if (!track.scheduled) this.#runInSlot(track);
    // After this turn the statement is on its way, if a connection is free.
    await new Promise(setImmediate);
  }

  async #answer(
    group: readonly Rivals<Entry, Result>[],
    results: readonly (Result | typeof HELD_UP)[],
    track: Track<Entry, Result>,
  ): Promise<void> {
    await Promise.all(
      group.map(async (rivals, index) => {
        // `execute` gives one answer for each entry, in the group's order.
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
      // One by one, so that the culprit fails no other entry; and before the entries of earlier failures.
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

  /** What a failure means for the entries that were sent, and for those that wait for the same answer. */
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
    // The refused data were not the followers'.
    const affected = refused ? leaders : [...leaders, ...followers];
    const goesAgain = ({ uncertain }: Waiting<Entry, Result>): boolean =>
      uncertain || isPassing(error);
    for (const each of affected) if (!goesAgain(each)) each.reject(error);
    const again = affected.filter(goesAgain);
    queue.putBack(refused ? [...again, ...followers] : again);
    if (again.length > 0) this.#backoff.pause(error);
  }

  /** Entries that a lock holds up wait outside the queue, and so do not block other entries. */
  #hold(rivals: Rivals<Entry, Result>, track: Track<Entry, Result>): void {
    const room = this.#settings.queueSize - this.#heldUp.length;
    const held: Rivals<Entry, Result> = [];
    for (const waiting of rivals) {
      // `FULL` says that nothing was changed, which an uncertain entry must not be told.
      if (held.length < room || waiting.uncertain) held.push(waiting);
      else waiting.reject(FULL);
    }
    this.#heldUp.hold(held, (again) => {
      // Behind all others, because the lock may hold them up again.
      for (const waiting of again) track.queue.append(waiting);
      this.#schedule(track);
    });
  }
}
