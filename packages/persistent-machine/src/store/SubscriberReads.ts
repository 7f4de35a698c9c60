/**
 * What those read who follow a machine's transitions: never stale, and each reading that begins at a place proves
 * that it is still there, in the same statement. Hundreds may come back at the same moment, with old cursors; so they
 * have lanes of their own, which leave most of the pool's connections to changes. Does not know who subscribes, nor
 * what wakes them.
 */
import type { Database } from '../database/Database';
import type { MachinePhase, MachineRecord } from '../machine';
import { type GroupTracer, Lane } from './Lane';
import type { PhaseOf } from './MachineStore';
import { SharedReads } from './SharedReads';
import { type Page, readPage } from './pages';
import { FeedRewound, type Place, type Witness, prove } from './place';
import { followingStatement, witnessesStatement } from './statements';
import type { MachineTables } from './tables';
import { type Transition, feedKeyset, transitionOf } from './transitions';

export interface SubscriberReadsSettings {
  /** How long a reading may wait, in milliseconds. */
  readonly timeout: number;
  /** The most readings of one kind that wait; more are refused at once. */
  readonly queueSize: number;
  /** Told of each statement: its lane, how many readings it is for, and how long the first had waited. */
  readonly observe: (lane: string) => (size: number, waited: number) => void;
  readonly tracer: GroupTracer | undefined;
}

/** The most transitions that are read of the feed at once; more than a client may ask for. */
const FEED_PAGE = 500;

/** The most transitions of one machine that are read at once, and of how many machines. */
const FOLLOWING = { transitions: 100, machines: 32 };

/** The most places that are looked at in one statement. */
const PLACES = 256;

interface Question {
  readonly events: readonly string[] | null;
  readonly after: Place;
}

type FeedPage<P extends MachinePhase<MachineRecord>> = Page<Transition<P>> & {
  readonly witnesses: { readonly after: Witness | null };
};

interface Version {
  readonly id: string;
  readonly version: number;
}

interface Following<P extends MachinePhase<MachineRecord>> {
  /** When the version that was asked for was made; null: there is none. */
  readonly known: Date | null;
  readonly page: Page<Transition<P>>;
}

export class SubscriberReads<R extends MachineRecord, P extends MachinePhase<R>> {
  readonly #database: Database;
  readonly #tables: MachineTables;
  readonly #phaseOf: PhaseOf<R, P>;
  readonly #timeout: number;
  readonly #pages: SharedReads<Question, FeedPage<P>>;
  readonly #following: Lane<Version, Following<P>>;
  readonly #witnesses: Lane<string, Witness | null>;

  constructor(
    database: Database,
    tables: MachineTables,
    phaseOf: PhaseOf<R, P>,
    { timeout, observe, queueSize, tracer }: SubscriberReadsSettings,
  ) {
    this.#database = database;
    this.#tables = tables;
    this.#phaseOf = phaseOf;
    this.#timeout = timeout;
    const limits = { queueSize, tracer };
    this.#pages = new SharedReads({
      ...limits,
      inFlight: 2,
      observe: observe('catch up'),
      read: (question) => this.#readPage(question),
      keyOf: ({ events, after: { position } }) => JSON.stringify([position, events]),
    });
    const following = followingStatement(tables, FOLLOWING.transitions + 1);
    this.#following = new Lane({
      ...limits,
      groupSize: FOLLOWING.machines,
      inFlight: 1,
      observe: observe('follow'),
      execute: async (versions) => {
        const rows = await database.run<FollowingRow>(following, [
          versions.map(({ id }) => id),
          versions.map(({ version }) => version),
        ]);
        return this.#followingOf(rows, versions.length);
      },
      keyOf: ({ id, version }) => `${id} ${version}`,
      follow: (found) => found,
    });
    const witnesses = witnessesStatement(tables);
    this.#witnesses = new Lane({
      ...limits,
      groupSize: PLACES,
      inFlight: 1,
      observe: observe('prove'),
      execute: async (positions) => {
        const rows = await database.run<{ position: string; witness: Witness }>(witnesses, [
          positions,
        ]);
        const found = new Map(rows.map(({ position, witness }) => [position, witness]));
        return positions.map((position) => found.get(position) ?? null);
      },
      keyOf: (position) => position,
      follow: (witness) => witness,
    });
  }

  /** How many wait, in each lane. */
  get queues(): Readonly<Record<string, number>> {
    return {
      'catch up': this.#pages.length,
      follow: this.#following.length,
      prove: this.#witnesses.length,
    };
  }

  /**
   * What is new in the feed, for an instance's live tail: it does not wait for those who catch up. It fails at once
   * where the database does, since the tail looks again in any case.
   *
   * @throws FeedRewound
   */
  async news(after: Place): Promise<Page<Transition<P>>> {
    return proved(await this.#readPage({ events: null, after }), after);
  }

  /**
   * The next transitions of the feed, for a subscriber who is behind the tail.
   *
   * @throws FeedRewound, BeyondEnd, Overloaded, DatabaseUnavailable
   */
  async catchUp(events: readonly string[] | null, after: Place): Promise<Page<Transition<P>>> {
    return proved(await this.#pages.ask({ events, after }, this.#deadline()), after);
  }

  /**
   * The next transitions of one machine.
   *
   * @param phase as a subscriber was told last
   * @throws FeedRewound, Overloaded, DatabaseUnavailable
   */
  async following({ state: { id, version, updatedAt } }: P): Promise<Page<Transition<P>>> {
    const found = await this.#following.submit({ id, version }, this.#deadline());
    if (found.known?.getTime() !== updatedAt.getTime()) {
      throw new FeedRewound(`Version ${version} of ${id} is not there any more.`);
    }
    return found.page;
  }

  /**
   * Whether a place is still there.
   *
   * @param deadline by `performance.now()`; left out: as long as a request may take, from now on
   * @returns the place, with its fingerprint
   * @throws FeedRewound, BeyondEnd, Overloaded, DatabaseUnavailable
   */
  async prove(place: Place, deadline = this.#deadline()): Promise<Place> {
    const witness =
      place.position === '0' ? null : await this.#witnesses.submit(place.position, deadline);
    return prove(place, witness);
  }

  async #readPage({ events, after }: Question): Promise<FeedPage<P>> {
    const keyset = feedKeyset(this.#tables, 'tail', FEED_PAGE, events);
    const request = { from: 'start', size: FEED_PAGE, after: [after.position] } as const;
    return readPage(this.#database, keyset, request, (row) =>
      transitionOf(this.#tables, this.#phaseOf, row),
    );
  }

  #followingOf(rows: readonly FollowingRow[], number: number): Following<P>[] {
    const found = Array.from({ length: number }, () => ({
      known: null as Date | null,
      nodes: [] as Transition<P>[],
    }));
    for (const row of rows) {
      const own = found[Number(row['#number']) - 1];
      if (own === undefined) continue;
      own.known = row['#known'];
      if (row.position === null) continue;
      own.nodes.push(transitionOf(this.#tables, this.#phaseOf, row));
    }
    return found.map(({ known, nodes }) => ({
      known,
      page: {
        nodes: nodes.slice(0, FOLLOWING.transitions),
        hasNextPage: nodes.length > FOLLOWING.transitions,
        hasPreviousPage: true,
      },
    }));
  }

  #deadline(): number {
    return performance.now() + this.#timeout;
  }
}

/** A row of the statement that finds what follows a version; `position` is null where nothing does. */
interface FollowingRow {
  readonly '#number': string;
  readonly '#known': Date | null;
  readonly position: string | null;
}

/** @throws FeedRewound, BeyondEnd */
function proved<P extends MachinePhase<MachineRecord>>(
  page: FeedPage<P>,
  after: Place,
): Page<Transition<P>> {
  prove(after, page.witnesses.after);
  return page;
}
