/**
 * The live feed of one kind of machine: every transition from any position on, without gap or repeat, on any instance.
 * This rests on the ledger, which gives positions gapless and in the order of commits, in each partition: a place is a
 * position and a proof for each, and instances share no other state. If the database is set back, the feed tells every subscriber. Without
 * subscribers it does nothing. It knows no GraphQL.
 */
import type { AnyLifecycle, MachinePhase, MachineRecord, PhaseIn } from '../machine';
import type { Claim, Place } from '../operations/place';
import type { MachineReader } from '../store/MachineReader';
import type { MachineStore } from '../store/MachineStore';
import { FeedRewound } from '../store/place';
import type { Transition } from '../store/transition';
import { LiveTail, type LiveTailSettings } from './LiveTail';
import { Paced } from './Paced';
import { Subscription, type Topic } from './Subscription';

export interface FeedSettings extends LiveTailSettings {
  /** How long a subscriber may go without asking before the feed ends it with `Lagged`, in milliseconds. */
  readonly patience: number;
}

/** The shortest time between two looks of the tail that this instance's own commits cause, in milliseconds. */
const PACE = 5;

export class Feed<L extends AnyLifecycle> {
  readonly #reader: MachineReader<L>;
  readonly #store: MachineStore<L>;
  readonly #settings: FeedSettings;
  readonly #subscriptions = new Set<Subscription<L>>();
  readonly #looks = new Paced(PACE, async () => this.#live?.look());
  #live: LiveTail<L> | undefined;
  #stopping: Promise<void> = Promise.resolve();

  constructor(reader: MachineReader<L>, store: MachineStore<L>, settings: FeedSettings) {
    this.#reader = reader;
    this.#store = store;
    this.#settings = settings;
  }

  /**
   * Subscribes to all transitions.
   *
   * @param events only transitions by one of these events; null for all
   * @param after the cursor after which to begin; undefined for the present end of the feed
   * @param deadline for the first answer, by `performance.now()`; default: the store's `timeout` from now
   * @throws FeedRewound or BeyondEnd if that place does not exist; Overloaded, DatabaseUnavailable
   */
  async transitions(
    events: readonly string[] | null,
    after: Claim | undefined,
    deadline?: number,
  ): Promise<AsyncIterableIterator<Transition<L>, undefined>> {
    const { end, place } = await this.#arrive(after, deadline);
    return this.#join(end, place, {
      accepts: ({ event }) => events === null || events.includes(event),
      read: async (reached) => this.#reader.subscribers.catchUp(events, reached),
    });
  }

  /**
   * Subscribes to one machine: its present phase, then the phase after each transition, up to a final one.
   *
   * @param id in lower case
   * @param deadline for the first answer, by `performance.now()`; default: the store's `timeout` from now
   * @returns null if there is no such machine
   * @throws Overloaded, DatabaseUnavailable
   */
  async changes(
    id: string,
    deadline?: number,
  ): Promise<AsyncIterableIterator<PhaseIn<L>, undefined> | null> {
    // The end is read before the machine, so that no transition in between is missed. The version tells which ones
    // the phase shows already.
    const { end } = await this.#arrive(undefined, deadline);
    const phase = await this.#store.find(id, deadline);
    if (phase === null) return null;
    const { version } = recordIn(phase);
    const transitions = this.#join(end, end, {
      machine: id,
      accepts: (transition) => {
        const record = recordIn(transition.phase);
        return record.id === id && record.version > version;
      },
      read: async (_reached, last) => this.#reader.subscribers.following(last?.phase ?? phase),
    });
    return new Changes<PhaseIn<L>>(phase, transitions);
  }

  /** This instance committed something, so the tail should look without a notification. */
  changed(): void {
    if (this.#live !== undefined) this.#looks.want();
  }

  /** How many subscriptions there are. */
  get subscribers(): number {
    return this.#subscriptions.size;
  }

  /** The time from the recording of the last transition to its arrival here, in milliseconds; 0 without subscribers. */
  get lag(): number {
    return this.#live?.lag ?? 0;
  }

  /** Ends every subscription. */
  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.end();
    await this.#stopping;
  }

  /**
   * Finds the end of the feed, and proves a new subscriber's place and the end of the tail in memory: the database may
   * have been set back since the tail looked last.
   *
   * @param after undefined for the feed's end
   */
  async #arrive(
    after: Claim | undefined,
    deadline: number | undefined,
  ): Promise<{ readonly end: Place; readonly place: Place }> {
    for (;;) {
      const live = this.#live;
      const { subscribers } = this.#reader;
      const isTailThere =
        live === undefined ||
        subscribers.proveAgain(live.end, deadline).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof FeedRewound)) throw error;
            this.#rewind(live, error);
            return false;
          },
        );
      const [isThere, { place: end }, place] = await Promise.all([
        isTailThere,
        this.#reader.census(deadline),
        after && subscribers.prove(after, deadline),
      ]);
      if (isThere) return { end, place: place ?? end };
    }
  }

  /** The database was set back: ends all subscriptions, because what is in memory is not its history any more. */
  #rewind(live: LiveTail<L>, error: FeedRewound): void {
    // The feed may have another tail by now, if all subscribers of this one had left.
    if (this.#live !== live) return;
    this.#settings.onRewound(error);
    for (const subscription of this.#subscriptions) subscription.end(error);
  }

  /** @param end a place that the feed has reached */
  #join(end: Place, place: Place, topic: Topic<L>): Subscription<L> {
    const live = (this.#live ??= this.#begin(end));
    const subscription = new Subscription<L>(
      {
        tail: live.tail,
        end: () => live.end,
        patience: this.#settings.patience,
        onNews: (machine, callback) => {
          live.onNews(machine, callback);
        },
        onRecovery: (callback) => {
          live.onRecovery(callback);
        },
        leave: (leaving, callback) => {
          if (callback) live.forget(topic.machine, callback);
          this.#leave(leaving);
        },
      },
      topic,
      place,
    );
    this.#subscriptions.add(subscription);
    return subscription;
  }

  #begin(end: Place): LiveTail<L> {
    const live = new LiveTail<L>(
      this.#reader.subscribers,
      {
        ...this.#settings,
        onRewound: (error) => {
          this.#rewind(live, error);
        },
      },
      end,
    );
    return live;
  }

  #leave(subscription: Subscription<L>): void {
    this.#subscriptions.delete(subscription);
    if (this.#subscriptions.size > 0 || this.#live === undefined) return;
    const stopped = Promise.all([this.#stopping, this.#live.stop()]);
    this.#live = undefined;
    this.#stopping = stopped.then(() => undefined);
  }
}

/** The record of a phase, with the columns of every machine. */
function recordIn({ state }: MachinePhase): MachineRecord {
  return state;
}

/** A machine's present phase, then those to which its transitions lead. */
class Changes<P extends MachinePhase> implements AsyncIterableIterator<P, undefined> {
  readonly #transitions: AsyncIterableIterator<{ readonly phase: P }, undefined>;
  #first: P | undefined;
  #final = false;

  constructor(first: P, transitions: AsyncIterableIterator<{ readonly phase: P }, undefined>) {
    this.#first = first;
    this.#transitions = transitions;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<P, undefined>> {
    if (this.#final) return this.return();
    const phase = this.#first ?? (await this.#transitions.next()).value?.phase;
    this.#first = undefined;
    if (phase === undefined) return { done: true, value: undefined };
    this.#final = phase.nextEvents.length === 0;
    return { done: false, value: phase };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#transitions.return?.();
    return { done: true, value: undefined };
  }
}
