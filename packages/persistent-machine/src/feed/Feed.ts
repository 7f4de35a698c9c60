/**
 * The live feed of a kind of machine: every transition, from any position on, with no gap and no repeat, on
 * whichever instance one asks. That rests on the ledger, which gives positions gapless and in the order of
 * commits; so a place in the feed is one number, with a proof of the transition that it names, and no instance knows
 * anything that another would need. Where the database was set back, every subscriber is told so. Without subscribers it
 * does nothing. Generic, and knows no GraphQL.
 */
import type { AnyLifecycle, MachinePhase, MachineRecord, PhaseIn } from '../machine';
import type { Place } from '../operations/place';
import type { MachineReader } from '../store/MachineReader';
import type { MachineStore } from '../store/MachineStore';
import { FeedRewound } from '../store/place';
import type { Transition } from '../store/transition';
import { LiveTail, type LiveTailSettings } from './LiveTail';
import { Paced } from './Paced';
import { Subscription, type Topic } from './Subscription';

export interface FeedSettings extends LiveTailSettings {
  /** How long a subscriber may stay away before it is told that it lags, in milliseconds. */
  readonly patience: number;
}

/** How often the tail looks at the most because the instance itself has changed something, in milliseconds. */
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
   * All transitions, as they are committed.
   *
   * @param events only transitions by one of these; null: by any
   * @param after undefined: from the feed's end as it is now
   * @param deadline by `performance.now()`, for beginning; left out: as long as a request may take, from now on
   * @throws FeedRewound, BeyondEnd where that place is not there; Overloaded, DatabaseUnavailable
   */
  async transitions(
    events: readonly string[] | null,
    after: Place | undefined,
    deadline?: number,
  ): Promise<AsyncIterableIterator<Transition<L>, undefined>> {
    const { end, place } = await this.#arrive(after, deadline);
    return this.#join(end, place, {
      accepts: ({ event }) => events === null || events.includes(event),
      read: async (reached) => this.#reader.subscribers.catchUp(events, reached),
    });
  }

  /**
   * One machine: as it is, and then after each of its transitions; ends after a phase that nothing follows.
   *
   * @param id in lower case
   * @param deadline by `performance.now()`, for beginning; left out: as long as a request may take, from now on
   * @returns null where there is no such machine
   * @throws Overloaded, DatabaseUnavailable
   */
  async changes(
    id: string,
    deadline?: number,
  ): Promise<AsyncIterableIterator<PhaseIn<L>, undefined> | null> {
    // Read before the machine is: what happens to it in between is not missed, and its version says what it shows.
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

  /** The instance itself has committed something: it need not be notified to look. */
  changed(): void {
    if (this.#live !== undefined) this.#looks.want();
  }

  /** How many are subscribed. */
  get subscribers(): number {
    return this.#subscriptions.size;
  }

  /** How long the last transition took from being recorded to being here, in milliseconds; 0: nobody is subscribed. */
  get lag(): number {
    return this.#live?.lag ?? 0;
  }

  /** Ends every subscription. */
  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.end();
    await this.#stopping;
  }

  /**
   * Looks where the feed ends, and proves what a new subscriber is to be served from: its own place, and the end of
   * the tail in memory. Another history may have taken its place since the tail looked last.
   *
   * @param after undefined: the feed's end
   */
  async #arrive(
    after: Place | undefined,
    deadline: number | undefined,
  ): Promise<{ readonly end: Place; readonly place: Place }> {
    for (;;) {
      const live = this.#live;
      const { subscribers } = this.#reader;
      const isTailThere =
        live === undefined ||
        subscribers.prove(live.end, deadline).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof FeedRewound)) throw error;
            this.#rewind(live, error);
            return false;
          },
        );
      const [isThere, end, place] = await Promise.all([
        isTailThere,
        this.#reader.census(deadline),
        after && subscribers.prove(after, deadline),
      ]);
      if (isThere) return { end, place: place ?? end };
    }
  }

  /** What is in memory is no history any more: all who follow it are told, and none of it is served again. */
  #rewind(live: LiveTail<L>, error: FeedRewound): void {
    // Its last subscriber may have left, and another tail have taken its place.
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

/** What is known of the phase of any machine. */
function recordIn({ state }: MachinePhase): MachineRecord {
  return state;
}

/** The phases that a machine's transitions lead to, its present one first. */
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
