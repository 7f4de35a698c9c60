/**
 * Keeps the tail of the feed up to date for all subscribers of an instance: one read for each wake-up, after which it
 * calls those that wait. It exists only while there are subscribers, and does not know what they have read.
 */
import { isPassing } from '../database/failures';
import type { AnyLifecycle, MachinePhase } from '../machine';
import type { Place } from '../operations/place';
import type { SubscriberReads } from '../store/SubscriberReads';
import { FeedRewound } from '../store/place';
import type { Transition } from '../store/transition';
import { Tail } from './Tail';
import type { WakeUps } from './WakeUps';

/** The most transitions in memory, or briefly twice as many. Subscribers that are further behind read the table. */
const CAPACITY = 2_048;

export interface LiveTailSettings {
  /** The wake-ups, which the feeds of all machines share. */
  readonly wakeUps: WakeUps;
  /** The channel of this kind of machine, which is one of the wake-ups' channels. */
  readonly channel: string;
  /** Called with a failure of a read that will not pass by itself. */
  readonly onFailure: (error: unknown) => void;
  /** Called when the database no longer has the history in memory. */
  readonly onRewound: (error: FeedRewound) => void;
}

export class LiveTail<L extends AnyLifecycle> {
  readonly tail: Tail<Transition<L>>;
  readonly #reads: SubscriberReads<L>;
  readonly #settings: LiveTailSettings;
  readonly #leaveWakeUps: () => Promise<void>;
  /** The callbacks that wait for news, by machine; under undefined, for news of any machine. */
  readonly #waiting = new Map<string | undefined, Set<() => void>>();
  readonly #waitingForRecovery = new Set<() => void>();
  #end: Place;
  /** The time from the recording of the last transition to its arrival here, in milliseconds. */
  lag = 0;
  #stopped = false;
  #reading = false;
  #wokenMeanwhile = false;

  /** @param end the place after which the tail begins */
  constructor(reads: SubscriberReads<L>, settings: LiveTailSettings, end: Place) {
    this.#reads = reads;
    this.#settings = settings;
    this.#end = end;
    this.tail = new Tail(end, CAPACITY);
    this.#leaveWakeUps = settings.wakeUps.follow(settings.channel, () => void this.look());
  }

  /** The place of the last transition, or the one where the tail began. */
  get end(): Place {
    return this.#end;
  }

  onNews(machine: string | undefined, callback: () => void): void {
    const waiting = this.#waiting.get(machine);
    if (waiting) waiting.add(callback);
    else this.#waiting.set(machine, new Set([callback]));
  }

  onRecovery(callback: () => void): void {
    this.#waitingForRecovery.add(callback);
  }

  /** Forgets a callback. */
  forget(machine: string | undefined, callback: () => void): void {
    this.#waitingForRecovery.delete(callback);
    const waiting = this.#waiting.get(machine);
    waiting?.delete(callback);
    if (waiting?.size === 0) this.#waiting.delete(machine);
  }

  /** @returns once no timer or connection is left */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#leaveWakeUps();
  }

  /** Reads what is new. After a wake-up during a read it reads again, since the first read may have been too early. */
  async look(): Promise<void> {
    if (this.#reading) {
      this.#wokenMeanwhile = true;
      return;
    }
    this.#reading = true;
    try {
      let more = true;
      while (more && !this.#stopped) {
        this.#wokenMeanwhile = false;
        const page = await this.#reads.news(this.#end);
        this.#append(page.nodes);
        more = page.hasNextPage || this.#wokenMeanwhile;
      }
    } catch (error) {
      // No retry: the poll looks again.
      if (error instanceof FeedRewound) this.#settings.onRewound(error);
      else if (!isPassing(error)) this.#settings.onFailure(error);
    } finally {
      this.#reading = false;
    }
  }

  #append(transitions: readonly Transition<L>[]): void {
    for (const callback of this.#waitingForRecovery) callback();
    this.#waitingForRecovery.clear();
    const last = transitions.at(-1);
    if (last === undefined) return;
    this.tail.append(transitions);
    this.#end = last.place ?? this.#end;
    this.lag = Math.max(0, Date.now() - last.recordedAt.getTime());
    this.#tell(undefined);
    for (const { phase } of transitions) {
      const { state }: MachinePhase = phase;
      this.#tell(state.id);
    }
  }

  #tell(machine: string | undefined): void {
    const waiting = this.#waiting.get(machine);
    this.#waiting.delete(machine);
    for (const callback of waiting ?? []) callback();
  }
}
