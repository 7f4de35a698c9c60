/**
 * What is recorded of a kind of machine, in pages: all machines by age, all transitions in the order of commits, the
 * transitions of one machine; one machine as it was; and the census. Reads only; nothing is kept, since a reading that
 * begins after an answer must see at least what that answer showed.
 */
import type { Database, Reader } from '../database/Database';
import type { AnyLifecycle, MachineRecord, PhaseIn } from '../machine';
import { type Census, census } from '../operations/census';
import { type FeedAnswer, type FeedQuestion, feedPage } from '../operations/feedPage';
import { type AsOfLookup, findAsOf } from '../operations/findAsOf';
import { type Version, type VersionLookup, findVersion } from '../operations/findVersion';
import { type HistoryQuestion, historyPage } from '../operations/historyPage';
import { ledgerSize } from '../operations/ledgerSize';
import { type MachinesQuestion, type Order, machinesPage } from '../operations/machinesPage';
import { type Page, type PageRequest, mapPage } from '../operations/page';
import type { Place } from '../operations/place';
import type { MachineTables } from '../operations/tables';
import type { TransitionRow } from '../operations/transition';
import { SubscriberReads } from './SubscriberReads';
import { phasesOf } from './asked';
import { by } from './deadline';
import type { Lane } from './Lane';
import { type Lanes, run } from './Lanes';
import { BeyondEnd, FeedRewound, prove } from './place';
import { Rebuilder, type Transition } from './transition';

/** A moment of a machine's past: one of its versions, or what had occurred by some time. */
export type Past = { readonly version: number } | { readonly asOf: Date };

export interface ReaderSettings {
  /** In which readings wait. */
  readonly lanes: Lanes;
  /** How long a reading may wait for which no deadline is given, in milliseconds. */
  readonly timeout: number;
  /** Where pages are read that a client turns, and which may be stale; left out: where everything is. */
  readonly pages?: Reader;
}

export class MachineReader<L extends AnyLifecycle> {
  /** What is read by those who follow. */
  readonly subscribers: SubscriberReads<L>;
  readonly #phaseOf: (record: MachineRecord) => PhaseIn<L>;
  readonly #transitions: Rebuilder<L>;
  readonly #timeout: number;
  readonly #machines: Lane<MachinesQuestion, Page<MachineRecord> & { readonly total: number }>;
  readonly #feed: Lane<FeedQuestion, FeedAnswer>;
  /** Of the primary; undefined: there is no other. */
  readonly #freshFeed: Lane<FeedQuestion, FeedAnswer> | undefined;
  readonly #histories: Lane<HistoryQuestion, Page<TransitionRow>>;
  readonly #versions: Lane<VersionLookup, Version | null>;
  readonly #asOf: Lane<AsOfLookup, MachineRecord | null>;
  readonly #census: Lane<null, Census>;
  readonly #ledgerSizes: Lane<null, number | undefined>;

  constructor(
    database: Database,
    tables: MachineTables,
    lifecycle: L,
    { lanes, timeout, pages = database }: ReaderSettings,
  ) {
    this.#phaseOf = phasesOf(lifecycle);
    this.#transitions = new Rebuilder(lifecycle);
    this.#timeout = timeout;
    this.#machines = lanes.open(machinesPage(tables), pages);
    const feed = feedPage(tables);
    this.#feed = lanes.open(feed, pages);
    if (pages !== database) {
      this.#freshFeed = lanes.open(feed, database, { name: 'feed of the primary' });
    }
    this.#histories = lanes.open(historyPage(tables), database);
    // A lane of its own: clients that turn pages do not hold up a store that looks what became of a change.
    this.#versions = lanes.open(findVersion(tables), database, { name: 'snapshot' });
    this.#asOf = lanes.open(findAsOf(tables), database);
    this.#census = lanes.open(census(tables), database);
    const size = ledgerSize(tables);
    this.#ledgerSizes = lanes.open<null, number | undefined, { readonly size: string }>(
      size,
      database,
      {
        // Not tried again: that it fails is what is measured.
        execute: async (group) => run(size, database, group).catch(() => [undefined]),
      },
    );
    this.subscribers = new SubscriberReads(database, tables, this.#transitions, {
      lanes,
      timeout,
    });
  }

  /**
   * A page of all machines, by age; it may be stale.
   *
   * @param states only machines in one of these; null: in any
   * @param deadline by `performance.now()`, as for all readings here; left out: as long as one may wait, from now on
   * @returns the page, and how many machines there are in those states, both of one moment
   * @throws Overloaded, DatabaseUnavailable, as all readings here
   */
  async machines(
    states: readonly string[] | null,
    order: Order,
    request: PageRequest,
    deadline = this.#deadline(),
  ): Promise<Page<PhaseIn<L>> & { readonly total: number }> {
    const page = await this.#machines.submit({ states, order, request }, deadline);
    return { ...mapPage(page, this.#phaseOf), total: page.total };
  }

  /**
   * A page of all transitions, in the order in which they were committed; it may be stale.
   *
   * @param events only transitions by one of these; null: by any
   * @throws FeedRewound, BeyondEnd where a place of the request is not there
   */
  async feed(
    events: readonly string[] | null,
    request: PageRequest<Place>,
    deadline = this.#deadline(),
  ): Promise<Page<Transition<L>>> {
    try {
      return this.#proved(await this.#feed.submit({ events, request }, deadline), request);
    } catch (error) {
      const lacksPlace = error instanceof FeedRewound || error instanceof BeyondEnd;
      // That a replica lacks the transition proves nothing: it may not have it yet.
      if (!lacksPlace || this.#freshFeed === undefined) throw error;
      return this.#proved(await this.#freshFeed.submit({ events, request }, deadline), request);
    }
  }

  #proved(
    page: FeedAnswer,
    { after, before }: Pick<PageRequest<Place>, 'after' | 'before'>,
  ): Page<Transition<L>> {
    if (after) prove(after, page.witnesses.after, 'after');
    if (before) prove(before, page.witnesses.before, 'before');
    return this.#transitions.pageOf(page);
  }

  /**
   * A page of one machine's transitions, oldest first. The same page of many machines, asked for in one
   * turn of the event loop, is read by one statement.
   *
   * @param id in lower case
   */
  async history(
    id: string,
    request: PageRequest,
    deadline = this.#deadline(),
  ): Promise<Page<Transition<L>>> {
    const page = await by(deadline, this.#histories.submit({ id, request }, deadline));
    return this.#transitions.pageOf(page);
  }

  /**
   * A machine as it was, rebuilt from its history.
   *
   * @param id in lower case
   * @returns null where it had not begun by then, or has no such version
   */
  async past(id: string, past: Past, deadline = this.#deadline()): Promise<PhaseIn<L> | null> {
    const reading =
      'version' in past
        ? this.#versions
            .submit({ id, version: past.version }, deadline)
            .then((found) => found?.record ?? null)
        : this.#asOf.submit({ id, asOf: past.asOf }, deadline);
    const record = await by(deadline, reading);
    return record && this.#phaseOf(record);
  }

  /** How many machines are in each state; exactly consistent with the feed at its position. */
  async census(deadline = this.#deadline()): Promise<Census> {
    return this.#census.submit(null, deadline);
  }

  /** How large the ledger's table is, in bytes; undefined: the database does not say. */
  async ledgerSize(): Promise<number | undefined> {
    return this.#ledgerSizes.submit(null, this.#deadline());
  }

  #deadline(): number {
    return performance.now() + this.#timeout;
  }
}
