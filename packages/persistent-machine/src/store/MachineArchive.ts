/**
 * What is recorded of a kind of machine, in pages: all machines by age, all transitions in the order of
 * commits, the transitions of one machine, and the census. Generic, and reads only.
 */
import DataLoader from 'dataloader';
import type { Database, Reader, Statement } from '../database/Database';
import { Overloaded } from '../database/failures';
import type { MachinePhase, MachineRecord } from '../machine';
import { type GroupTracer, Lane } from './Lane';
import type { PhaseOf, StoreObserver } from './MachineStore';
import { ReadLane } from './ReadLane';
import { SubscriberReads } from './SubscriberReads';
import {
  type Keyset,
  LARGEST_PAGE,
  type Page,
  type PageRequest,
  readPage,
  readPages,
} from './pages';
import { BeyondEnd, FeedRewound, type Place, type Witness, fingerprintOf, prove } from './place';
import { censusStatement, findAsOfStatement, findVersionStatement } from './statements';
import { type Column, type MachineTables, recordOf } from './tables';
import { TRANSITION_COLUMNS, type Transition, feedKeyset, transitionOf } from './transitions';

export type { Transition } from './transitions';

/** How many machines are in each state, and up to which position that is counted. */
export interface Census extends Place {
  readonly counts: Readonly<Record<string, number>>;
}

export type Order = 'oldestFirst' | 'newestFirst';

/** A moment of a machine's past: one of its versions, or what had occurred by some time. */
export type Past = { readonly version: number } | { readonly asOf: Date };

/** A row of the census' statement. */
interface Counted extends Pick<Census, 'position' | 'counts'> {
  readonly witness: Witness | null;
}

interface PastRequest {
  readonly id: string;
  readonly deadline: number;
  readonly past: Past;
}

interface HistoryRequest {
  readonly id: string;
  readonly deadline: number;
  readonly request: PageRequest;
}

/** The most machines whose histories one statement reads. */
const GROUP_SIZE = 256;

export interface ArchiveSettings {
  /** How long a reading may wait for which no deadline is given, in milliseconds. */
  readonly timeout: number;
  /** The most readings of one kind that wait; more are refused at once. */
  readonly queueSize: number;
  readonly observer?: Pick<StoreObserver, 'onGroup'>;
  readonly tracer?: GroupTracer | undefined;
  /** Where pages are read that a client turns, and which may be stale; left out: where everything is. */
  readonly pages?: Reader;
}

export class MachineArchive<R extends MachineRecord, P extends MachinePhase<R>> {
  /** What is read by those who follow. */
  readonly subscribers: SubscriberReads<R, P>;
  readonly #database: Database;
  readonly #reads: ReadLane;
  /** For those who may be shown what is stale. */
  readonly #staleReads: ReadLane;
  readonly #tables: MachineTables;
  readonly #phaseOf: PhaseOf<R, P>;
  readonly #census: Lane<null, Census>;
  readonly #ledgerSizes: Lane<null, number | undefined>;
  readonly #settings: ArchiveSettings;
  readonly #findVersion: Statement;
  readonly #findAsOf: Statement;
  readonly #pasts: DataLoader<PastRequest, P | null>;
  readonly #histories: DataLoader<HistoryRequest, Page<Transition<P>>>;

  constructor(
    database: Database,
    tables: MachineTables,
    phaseOf: PhaseOf<R, P>,
    settings: ArchiveSettings,
  ) {
    this.#database = database;
    const { pages, observer, queueSize, tracer } = settings;
    const limits = { queueSize, tracer };
    const observe = (lane: string) => (size: number, waited: number) => {
      observer?.onGroup(lane, size, waited);
    };
    this.#reads = new ReadLane(database, { ...limits, observe: observe('read') });
    this.#staleReads = pages
      ? new ReadLane(pages, { ...limits, observe: observe('stale read') })
      : this.#reads;
    this.#tables = tables;
    this.#phaseOf = phaseOf;
    this.#settings = settings;
    this.subscribers = new SubscriberReads(database, tables, phaseOf, {
      timeout: settings.timeout,
      queueSize: settings.queueSize,
      tracer: settings.tracer,
      observe,
    });
    const census = censusStatement(tables);
    this.#census = new Lane({
      groupSize: 1,
      queueSize: settings.queueSize,
      inFlight: 2,
      observe: observe('census'),
      tracer: settings.tracer,
      execute: async () => {
        const rows = await this.#database.run<Counted>(census, []);
        return rows.map(({ position, counts, witness }): Census => ({
          position,
          counts,
          fingerprint: fingerprintOf(witness),
        }));
      },
      // All who ask at once are answered from one reading.
      keyOf: () => '',
      follow: (counted) => counted,
    });
    const ledgerSize = {
      name: `${tables.names.ledger}/size`,
      text: 'SELECT pg_table_size($1::regclass) AS size',
    };
    this.#ledgerSizes = new Lane({
      groupSize: 1,
      queueSize: settings.queueSize,
      // However many look at the metrics, they take one connection.
      inFlight: 1,
      execute: async () => {
        try {
          const rows = await this.#database.run<{ size: string }>(ledgerSize, [tables.ledger]);
          return rows.map(({ size }) => Number(size));
        } catch {
          // Not tried again: that it fails is what is measured.
          return [undefined];
        }
      },
      keyOf: () => '',
      follow: (size) => size,
    });
    this.#findVersion = findVersionStatement(tables);
    this.#findAsOf = findAsOfStatement(tables);
    // Nothing is kept: a read that begins after an answer must see at least what that answer showed.
    const batching = { cache: false, maxBatchSize: GROUP_SIZE };
    this.#pasts = new DataLoader((requests) => this.#readPasts(requests), batching);
    this.#histories = new DataLoader((requests) => this.#readHistories(requests), batching);
  }

  /**
   * A page of all machines, by age; it may be stale.
   *
   * @param states only machines in one of these; null: in any
   * @param deadline by `performance.now()`, as for all readings here; left out: as long as one may wait, from now on
   * @returns the page, and how many machines there are in those states, both of one moment
   */
  async machines(
    states: readonly string[] | null,
    order: Order,
    request: PageRequest,
    deadline = this.#deadline(),
  ): Promise<Page<P> & { readonly total: number }> {
    const { names, records, ledger, columns } = this.#tables;
    const keyset: Keyset = {
      name: `${names.records}/${order}${states ? '/in' : ''}`,
      table: records,
      columns,
      key: [this.#column('createdAt'), this.#column('id')],
      descending: order === 'newestFirst',
      filter: states ? { column: this.#column('stateType'), values: distinct(states) } : undefined,
      total: `(
    SELECT coalesce(sum(value::bigint), 0) FROM ${ledger}, jsonb_each_text(counts)
    WHERE filter.list IS NULL OR key = ANY (filter.list))`,
    };
    return readPage(this.#staleReads.by(deadline), keyset, request, (row) =>
      this.#phaseOf(recordOf<R>(this.#tables, row)),
    );
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
  ): Promise<Page<Transition<P>>> {
    try {
      return await this.#feedPage(this.#staleReads.by(deadline), events, request);
    } catch (error) {
      const lacksPlace = error instanceof FeedRewound || error instanceof BeyondEnd;
      // That a replica lacks the transition proves nothing: it may not have it yet.
      if (!lacksPlace || this.#staleReads === this.#reads) throw error;
      return this.#feedPage(this.#reads.by(deadline), events, request);
    }
  }

  async #feedPage(
    reader: Reader,
    events: readonly string[] | null,
    { after, before, ...request }: PageRequest<Place>,
  ): Promise<Page<Transition<P>>> {
    const keyset = feedKeyset(this.#tables, 'feed', LARGEST_PAGE, events);
    const bounds = { after: after && [after.position], before: before && [before.position] };
    const page = await readPage(reader, keyset, { ...request, ...bounds }, (row) =>
      transitionOf(this.#tables, this.#phaseOf, row),
    );
    if (after) prove(after, page.witnesses.after, 'after');
    if (before) prove(before, page.witnesses.before, 'before');
    return page;
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
  ): Promise<Page<Transition<P>>> {
    return readBy(deadline, this.#histories.load({ id, request, deadline }));
  }

  /**
   * A machine as it was, rebuilt from its history.
   *
   * @param id in lower case
   * @returns null where it had not begun by then, or has no such version
   */
  async past(id: string, past: Past, deadline = this.#deadline()): Promise<P | null> {
    return readBy(deadline, this.#pasts.load({ id, past, deadline }));
  }

  /** How many machines are in each state; exactly consistent with the feed at its position. */
  async census(deadline = this.#deadline()): Promise<Census> {
    return this.#census.submit(null, deadline);
  }

  /** Whether so many wait already that another one may be refused at once. */
  get isFull(): boolean {
    return this.#census.isFull || this.#reads.isFull || this.#staleReads.isFull;
  }

  /** How many wait, in each lane. */
  get queues(): Readonly<Record<string, number>> {
    const queues = {
      census: this.#census.length,
      read: this.#reads.length,
      ...this.subscribers.queues,
    };
    return this.#staleReads === this.#reads
      ? queues
      : { ...queues, 'stale read': this.#staleReads.length };
  }

  /** How large the ledger's table is, in bytes; undefined: the database does not say. */
  async ledgerSize(): Promise<number | undefined> {
    return this.#ledgerSizes.submit(null, this.#deadline());
  }

  #deadline(): number {
    return performance.now() + this.#settings.timeout;
  }

  async #readPasts(requests: readonly PastRequest[]): Promise<(P | null)[]> {
    const found: (P | null)[] = requests.map(() => null);
    const reader = this.#reads.by(lastDeadline(requests));
    const read = async (
      statement: Statement,
      keyOf: (past: Past) => number | string | undefined,
    ): Promise<void> => {
      const wanted = requests.flatMap(({ id, past }, index) => {
        const key = keyOf(past);
        return key === undefined ? [] : [{ id, key, index }];
      });
      if (wanted.length === 0) return;
      const rows = await reader.run<{ number: string }>(statement, [
        wanted.map(({ id }) => id),
        wanted.map(({ key }) => key),
      ]);
      for (const row of rows) {
        const index = wanted[Number(row.number) - 1]?.index ?? -1;
        found[index] = this.#phaseOf(recordOf<R>(this.#tables, row));
      }
    };
    await Promise.all([
      read(this.#findVersion, (past) => ('version' in past ? past.version : undefined)),
      read(this.#findAsOf, (past) => ('asOf' in past ? past.asOf.toISOString() : undefined)),
    ]);
    return found;
  }

  async #readHistories(requests: readonly HistoryRequest[]): Promise<Page<Transition<P>>[]> {
    const { names, history, owner, historyColumns } = this.#tables;
    const reader = this.#reads.by(lastDeadline(requests));
    // One statement for each different page; one field of a document asks for one page.
    const idsOf = new Map<string, { request: PageRequest; ids: Set<string> }>();
    for (const { id, request } of requests) {
      const wanted = JSON.stringify(request);
      const group = idsOf.get(wanted) ?? { request, ids: new Set() };
      idsOf.set(wanted, { request, ids: group.ids.add(id) });
    }
    const pages = new Map(
      await Promise.all(
        [...idsOf].map(async ([wanted, { request, ids }]) => {
          const keyset = {
            name: `${names.history}/history`,
            table: history,
            columns: [...historyColumns, ...TRANSITION_COLUMNS],
            key: [this.#column('version')],
            descending: false,
            partition: { column: owner, values: [...ids] },
          };
          const own = await readPages(reader, keyset, request, (row) =>
            transitionOf(this.#tables, this.#phaseOf, row),
          );
          return [wanted, own] as const;
        }),
      ),
    );
    return requests.map(({ id, request }) => {
      const page = pages.get(JSON.stringify(request))?.get(id);
      if (page === undefined) throw new Error(`The history of ${id} was not read.`);
      return page;
    });
  }

  #column(property: string): Column {
    const column = this.#tables.columns.find((each) => each.property === property);
    if (column === undefined) throw new Error(`${this.#tables.names.records} lacks ${property}.`);
    return column;
  }
}

/** Made once: under overload a stack for each would take long. */
const TOO_LATE = new Overloaded('The deadline passed before it was read.');

/** Those whose readings go together may be of several requests: each is told at its own deadline. */
function lastDeadline(requests: readonly { readonly deadline: number }[]): number {
  return requests.reduce((last, { deadline }) => Math.max(last, deadline), 0);
}

/** @throws Overloaded at the deadline; what is read later is thrown away */
async function readBy<T>(deadline: number, reading: Promise<T>): Promise<T> {
  const timeLeft = Math.max(0, Math.ceil(deadline - performance.now()));
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(TOO_LATE);
    }, timeLeft);
  });
  try {
    return await Promise.race([reading, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
