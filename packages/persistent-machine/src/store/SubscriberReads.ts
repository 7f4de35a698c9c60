/**
 * The readings of subscribers. They are never stale, and each proves, in the same statement, that the place after which
 * it begins still exists. Hundreds of subscribers may come back at the same moment with old cursors: so they have lanes
 * of their own, which leave most of the pool's connections to changes. It does not know what wakes a subscriber.
 */
import type { Database } from '../database/Database';
import type { AnyLifecycle, MachinePhase } from '../machine';
import { type FeedAnswer, type FeedQuestion, TAIL_PAGE, tailPage } from '../operations/feedPage';
import { type Following, type KnownVersion, following } from '../operations/following';
import type { Page } from '../operations/page';
import {
  type Claim,
  type ClaimedPlace,
  type MarkIn,
  type Place,
  type Witness,
  isPlace,
} from '../operations/place';
import { type Spot, placeAround } from '../operations/placeAround';
import type { MachineTables } from '../operations/tables';
import { witnesses } from '../operations/witnesses';
import type { LaneLike } from './Lane';
import { type Lanes, ask } from './Lanes';
import { FeedRewound, checkPartitions, claimOf, prove } from './place';
import type { Rebuilder, Transition } from './transition';

export interface SubscriberReadsSettings {
  /** The lanes in which readings wait. */
  readonly lanes: Lanes;
  /** How long a reading may wait, in milliseconds. */
  readonly timeout: number;
}

export class SubscriberReads<L extends AnyLifecycle> {
  readonly #transitions: Rebuilder<L>;
  readonly #partitions: number;
  readonly #timeout: number;
  readonly #news: (question: FeedQuestion) => Promise<FeedAnswer>;
  readonly #pages: LaneLike<FeedQuestion, FeedAnswer>;
  readonly #following: LaneLike<KnownVersion, Following>;
  readonly #witnesses: LaneLike<ClaimedPlace['positions'], readonly (Witness | null)[]>;
  readonly #around: LaneLike<Spot, Place | null>;

  constructor(
    database: Database,
    tables: MachineTables,
    transitions: Rebuilder<L>,
    { lanes, timeout }: SubscriberReadsSettings,
  ) {
    this.#transitions = transitions;
    this.#partitions = tables.partitions;
    this.#timeout = timeout;
    const tail = tailPage(tables);
    this.#news = async (question) => ask(tail, database, question);
    this.#pages = lanes.open(tail, database);
    this.#following = lanes.open(following(tables), database);
    this.#witnesses = lanes.open(witnesses(tables), database);
    this.#around = lanes.open(placeAround(tables), database);
  }

  /**
   * What is new in the feed, for an instance's live tail. It has no lane, and so waits neither behind subscribers that
   * catch up nor for a retry: the tail reads again in any case.
   *
   * @throws FeedRewound
   */
  async news(after: Place): Promise<Page<Transition<L>>> {
    return this.#proved(await this.#news(questionOf(null, after)), after);
  }

  /**
   * The next transitions of the feed, for a subscriber that is behind the tail.
   *
   * @throws FeedRewound, BeyondEnd, Overloaded, DatabaseUnavailable
   */
  async catchUp(events: readonly string[] | null, after: Place): Promise<Page<Transition<L>>> {
    return this.#proved(
      await this.#pages.submit(questionOf(events, after), this.#deadline()),
      after,
    );
  }

  /**
   * The next transitions of one machine.
   *
   * @param phase the last one that the subscriber got
   * @throws FeedRewound, Overloaded, DatabaseUnavailable
   */
  async following({
    state: { id, version, updatedAt },
  }: MachinePhase): Promise<Page<Transition<L>>> {
    const { known, page } = await this.#following.submit({ id, version }, this.#deadline());
    if (known?.getTime() !== updatedAt.getTime()) {
      throw new FeedRewound(`Version ${version} of ${id} does not exist any more.`);
    }
    return this.#transitions.pageOf(page);
  }

  /**
   * Finds the place of a cursor, and proves that it still exists.
   *
   * @param deadline by `performance.now()`; default: `timeout` from now
   * @throws FeedRewound, BeyondEnd, Overloaded, DatabaseUnavailable
   */
  async prove(claim: Claim, deadline = this.#deadline()): Promise<Place> {
    checkPartitions(claim, this.#partitions);
    if (!isPlace(claim)) return this.#placeOf(claim, deadline);
    const { positions } = claim;
    const isBeginning = positions.every((position) => position === '0');
    return prove(claim, isBeginning ? [] : await this.#witnesses.submit(positions, deadline));
  }

  /** Proves again that a place exists. */
  async proveAgain(place: Place, deadline?: number): Promise<Place> {
    return this.prove(claimOf(place), deadline);
  }

  /** The place of a transition whose cursor was not read from the feed. */
  async #placeOf(mark: MarkIn, deadline: number): Promise<Place> {
    const place = await this.#around.submit(mark, deadline);
    if (place?.[mark.partition]?.fingerprint !== mark.fingerprint) {
      throw new FeedRewound(`The transition at position ${mark.position} does not exist any more.`);
    }
    return place;
  }

  /** @throws FeedRewound, BeyondEnd */
  #proved(page: FeedAnswer, after: Place): Page<Transition<L>> {
    prove(claimOf(after), page.witnesses.after);
    return this.#transitions.pageOf(page);
  }

  #deadline(): number {
    return performance.now() + this.#timeout;
  }
}

function questionOf(events: readonly string[] | null, after: Place): FeedQuestion {
  return { events, request: { from: 'start', size: TAIL_PAGE, after: claimOf(after) } };
}
