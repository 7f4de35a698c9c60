/**
 * Reads what is recorded of one kind of machine: pages of machines, of the feed, and of one machine's history; one
 * machine as it was; and the census. It caches nothing, since a reading that begins after an answer must see at least
 * what that answer showed.
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
import { type Claim, type ClaimedPlace, isPlace } from '../operations/place';
import type { MachineTables } from '../operations/tables';
import type { TransitionRow } from '../operations/transition';
import { SubscriberReads } from './SubscriberReads';
import { phasesOf } from './asked';
import { by } from './deadline';
import type { LaneLike } from './Lane';
import { type Lanes, run } from './Lanes';
import { BeyondEnd, FeedRewound, checkPartitions, claimOf, prove } from './place';
import { Rebuilder, type Transition } from './transition';

/** A moment of a machine's past: one of its versions, or a time. */
export type Past = { readonly version: number } | { readonly asOf: Date };

export interface ReaderSettings {
  /** The lanes in which readings wait. */
  readonly lanes: Lanes;
  /** How long a reading without a deadline may wait, in milliseconds. */
  readonly timeout: number;
  /** The database for pages that may be stale, such as a replica. Default: the primary. */
  readonly pages?: Reader;
}

export class MachineReader<L extends AnyLifecycle> {
  /** The readings of subscribers. */
  readonly subscribers: SubscriberReads<L>;
  readonly #phaseOf: (record: MachineRecord) => PhaseIn<L>;
  readonly #transitions: Rebuilder<L>;
  readonly #partitions: number;
  readonly #timeout: number;
  readonly #machines: LaneLike<MachinesQuestion, Page<MachineRecord> & { readonly total: number }>;
  readonly #feed: LaneLike<FeedQuestion, FeedAnswer>;
  /** The feed of the primary; undefined if `#feed` reads the primary already. */
  readonly #freshFeed: LaneLike<FeedQuestion, FeedAnswer> | undefined;
  readonly #histories: LaneLike<HistoryQuestion, Page<TransitionRow>>;
  readonly #versions: LaneLike<VersionLookup, Version | null>;
  readonly #asOf: LaneLike<AsOfLookup, MachineRecord | null>;
  readonly #census: LaneLike<null, Census>;
  readonly #ledgerSizes: LaneLike<null, number | undefined>;

  constructor(
    database: Database,
    tables: MachineTables,
    lifecycle: L,
    { lanes, timeout, pages = database }: ReaderSettings,
  ) {
    this.#phaseOf = phasesOf(lifecycle);
    this.#transitions = new Rebuilder(lifecycle);
    this.#partitions = tables.partitions;
    this.#timeout = timeout;
    this.#machines = lanes.open(machinesPage(tables), pages);
    const feed = feedPage(tables);
    this.#feed = lanes.open(feed, pages);
    if (pages !== database) {
      this.#freshFeed = lanes.open(feed, database, { name: 'feed of the primary' });
    }
    this.#histories = lanes.open(historyPage(tables), database);
    // Not the store's lane: readings of clients must not delay the settlement of a change.
    this.#versions = lanes.open(findVersion(tables), database, { name: 'snapshot' });
    this.#asOf = lanes.open(findAsOf(tables), database);
    this.#census = lanes.open(census(tables), database);
    const size = ledgerSize(tables);
    this.#ledgerSizes = lanes.open<null, number | undefined, { readonly size: string }>(
      size,
      database,
      {
        // No retries: the metric shows the failure.
        execute: async (group) => run(size, database, group).catch(() => [undefined]),
      },
    );
    this.subscribers = new SubscriberReads(database, tables, this.#transitions, {
      lanes,
      timeout,
    });
  }

  /**
   * A page of all machines, by age. It may be stale.
   *
   * @param states only machines in one of these states; null for all
   * @param deadline by `performance.now()`, as for all readings here; default: `timeout` from now
   * @returns the page, and the number of machines in those states, from one snapshot
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
   * A page of all transitions, in the order of their commits. It may be stale.
   *
   * @param events only transitions by one of these events; null for all
   * @throws FeedRewound or BeyondEnd if the feed lacks a place of the request
   */
  async feed(
    events: readonly string[] | null,
    asked: PageRequest<Claim>,
    deadline = this.#deadline(),
  ): Promise<Page<Transition<L>>> {
    const [after, before] = await Promise.all([
      this.#claimed(asked.after, deadline),
      this.#claimed(asked.before, deadline),
    ]);
    const request = { ...asked, after, before };
    try {
      return this.#proved(await this.#feed.submit({ events, request }, deadline), request);
    } catch (error) {
      const lacksPlace = error instanceof FeedRewound || error instanceof BeyondEnd;
      // A replica may lack a transition that the primary has, so the primary decides.
      if (!lacksPlace || this.#freshFeed === undefined) throw error;
      return this.#proved(await this.#freshFeed.submit({ events, request }, deadline), request);
    }
  }

  /** The place of a cursor, also of one that names a transition only. */
  async #claimed(claim: Claim | undefined, deadline: number): Promise<ClaimedPlace | undefined> {
    if (claim === undefined) return undefined;
    checkPartitions(claim, this.#partitions);
    if (isPlace(claim)) return claim;
    return claimOf(await this.subscribers.prove(claim, deadline), claim.partition);
  }

  #proved(
    page: FeedAnswer,
    { after, before }: Pick<PageRequest<ClaimedPlace>, 'after' | 'before'>,
  ): Page<Transition<L>> {
    if (after) prove(after, page.witnesses.after, 'after');
    if (before) prove(before, page.witnesses.before, 'before');
    return this.#transitions.pageOf(page);
  }

  /**
   * A page of one machine's transitions, oldest first. One statement reads the same page for all machines that are
   * asked for in one turn of the event loop.
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
   * @returns null if the machine had not begun by then, or has no such version
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

  /** How many machines are in each state, exactly consistent with the feed up to the census's position. */
  async census(deadline = this.#deadline()): Promise<Census> {
    return this.#census.submit(null, deadline);
  }

  /** The size of the ledger's table, in bytes; undefined if the database fails. */
  async ledgerSize(): Promise<number | undefined> {
    return this.#ledgerSizes.submit(null, this.#deadline());
  }

  #deadline(): number {
    return performance.now() + this.#timeout;
  }
}
