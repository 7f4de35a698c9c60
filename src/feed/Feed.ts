/**
 * The live feed of a kind of machine: every transition, from any position on, with no gap and no repeat, on
 * whichever instance one asks. That rests on the ledger, which gives positions gapless and in the order of
 * commits; so a place in the feed is one number, and no instance knows anything that another would need.
 * Does nothing while nobody is subscribed. Generic, and knows no GraphQL.
 */
import type { MachinePhase, MachineRecord } from '../machine';
import type { MachineArchive, Transition } from '../store/MachineArchive';
import type { MachineStore } from '../store/MachineStore';
import { LARGEST_PAGE } from '../store/pages';
import { LiveTail, type LiveTailSettings } from './LiveTail';
import { Subscription, type Topic } from './Subscription';
import { BeyondEnd } from './errors';

export interface FeedSettings extends LiveTailSettings {
  /** How long a subscriber may stay away before it is told that it lags, in milliseconds. */
  readonly patience: number;
}

export class Feed<R extends MachineRecord, P extends MachinePhase<R>> {
  readonly #archive: MachineArchive<R, P>;
  readonly #store: MachineStore<R, P>;
  readonly #settings: FeedSettings;
  readonly #subscriptions = new Set<Subscription<P>>();
  #live: LiveTail<R, P> | undefined;
  #stopping: Promise<void> = Promise.resolve();

  constructor(archive: MachineArchive<R, P>, store: MachineStore<R, P>, settings: FeedSettings) {
    this.#archive = archive;
    this.#store = store;
    this.#settings = settings;
  }

  /**
   * All transitions, as they are committed.
   *
   * @param events only transitions by one of these; null: by any
   * @param after a position; undefined: from the feed's end as it is now
   * @param deadline by `performance.now()`, for beginning; left out: as long as a request may take, from now on
   * @throws BeyondEnd where the feed has not reached that position; Overloaded, DatabaseUnavailable
   */
  async transitions(
    events: readonly string[] | null,
    after: string | undefined,
    deadline?: number,
  ): Promise<AsyncIterableIterator<Transition<P>, undefined>> {
    const { position } = await this.#archive.census(deadline);
    if (after !== undefined && BigInt(after) > BigInt(position)) {
      throw new BeyondEnd(`${after} is beyond ${position}.`);
    }
    return this.#join(Number(position), Number(after ?? position), {
      accepts: ({ event }) => events === null || events.includes(event),
      read: async (cursor) => this.#archive.feedAfter(events, String(cursor)),
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
  ): Promise<AsyncIterableIterator<P, undefined> | null> {
    // Read before the machine is: what happens to it in between is not missed, and its version says what it shows.
    const { position } = await this.#archive.census(deadline);
    const phase = await this.#store.find(id, deadline);
    if (phase === null) return null;
    const { version } = phase.state;
    const transitions = this.#join(Number(position), Number(position), {
      machine: id,
      accepts: (transition) =>
        transition.phase.state.id === id && transition.phase.state.version > version,
      read: async (_cursor, last) =>
        this.#archive.history(id, {
          from: 'start',
          size: LARGEST_PAGE,
          after: [String(last?.phase.state.version ?? version)],
        }),
    });
    return new Changes(phase, transitions);
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

  /** @param end a position that the feed has reached */
  #join(end: number, cursor: number, topic: Topic<P>): Subscription<P> {
    const live = (this.#live ??= new LiveTail(this.#archive, this.#settings, end));
    const subscription = new Subscription<P>(
      {
        tail: live.tail,
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
      cursor,
    );
    this.#subscriptions.add(subscription);
    return subscription;
  }

  #leave(subscription: Subscription<P>): void {
    this.#subscriptions.delete(subscription);
    if (this.#subscriptions.size > 0 || this.#live === undefined) return;
    const stopped = Promise.all([this.#stopping, this.#live.stop()]);
    this.#live = undefined;
    this.#stopping = stopped.then(() => undefined);
  }
}

/** The phases that a machine's transitions lead to, its present one first. */
class Changes<P extends MachinePhase<MachineRecord>> implements AsyncIterableIterator<
  P,
  undefined
> {
  readonly #transitions: AsyncIterableIterator<Transition<P>, undefined>;
  #first: P | undefined;
  #final = false;

  constructor(first: P, transitions: AsyncIterableIterator<Transition<P>, undefined>) {
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
