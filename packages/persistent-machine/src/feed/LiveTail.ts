/**
 * The tail of the log, kept up to date: one read for each wake-up, however many subscribers there are, which are then
 * told. It is there only while there are subscribers.
 */
import { isPassing } from '../database/failures';
import type { AnyLifecycle, MachinePhase } from '../machine';
import type { Place } from '../operations/place';
import type { SubscriberReads } from '../store/SubscriberReads';
import { FeedRewound } from '../store/place';
import type { Transition } from '../store/transition';
import { Tail } from './Tail';
import type { WakeUps } from './WakeUps';

/** The most transitions that are kept in memory, twice over for a moment; who is further behind reads the table. */
const CAPACITY = 2_048;

export interface LiveTailSettings {
  /** Shared by the feeds of all machines. */
  readonly wakeUps: WakeUps;
  /** The channel of this machine, which the wake-ups know. */
  readonly channel: string;
  /** Told what kept it from reading that will not pass by itself. */
  readonly onFailure: (error: unknown) => void;
  /** Told that the database's history is another one than what is in memory. */
  readonly onRewound: (error: FeedRewound) => void;
}

export class LiveTail<L extends AnyLifecycle> {
  readonly tail: Tail<Transition<L>>;
  readonly #reads: SubscriberReads<L>;
  readonly #settings: LiveTailSettings;
  readonly #leaveWakeUps: () => Promise<void>;
  /** Who waits for news, by the machine that it is to be of. */
  readonly #waiting = new Map<string | undefined, Set<() => void>>();
  readonly #waitingForRecovery = new Set<() => void>();
  #end: Place;
  /** How long the last transition took from being recorded to being here, in milliseconds. */
  lag = 0;
  #stopped = false;
  #reading = false;
  #wokenMeanwhile = false;

  /** @param end the place from which on transitions are wanted */
  constructor(reads: SubscriberReads<L>, settings: LiveTailSettings, end: Place) {
    this.#reads = reads;
    this.#settings = settings;
    this.#end = end;
    this.tail = new Tail(Number(end.position), CAPACITY);
    this.#leaveWakeUps = settings.wakeUps.follow(settings.channel, () => void this.look());
  }

  /** The last transition that is here, or the place where it began. */
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

  /** Takes back what was registered. */
  forget(machine: string | undefined, callback: () => void): void {
    this.#waitingForRecovery.delete(callback);
    const waiting = this.#waiting.get(machine);
    waiting?.delete(callback);
    if (waiting?.size === 0) this.#waiting.delete(machine);
  }

  /** @returns once nothing is left of it */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#leaveWakeUps();
  }

  /** Reads whatever is new. A wake-up that comes meanwhile is about what this read may have been too early for. */
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
      // The next look comes by itself.
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
    this.#end = last;
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
