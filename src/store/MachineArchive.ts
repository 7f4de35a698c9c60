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
import { findAsOfStatement, findVersionStatement } from './statements';
import {
  type Keyset,
  LARGEST_PAGE,
  type Page,
  type PageRequest,
  readPage,
  readPages,
} from './pages';
import { type Column, type MachineTables, recordOf } from './tables';

/** One recorded change. */
export interface Transition<P extends MachinePhase<MachineRecord>> {
  /** Its place in the feed of all transitions: a whole number, as text. */
  readonly position: string;
  readonly event: P['nextEvents'][number];
  /** The state before; null for the beginning. */
  readonly from: P['stateType'] | null;
  /** The machine as it was right after. */
  readonly phase: P;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly actor: string | null;
}

/** How many machines are in each state, and up to which position that is counted. */
export interface Census {
  readonly counts: Readonly<Record<string, number>>;
  readonly position: string;
}

export type Order = 'oldestFirst' | 'newestFirst';

const POSITION: Column = { name: 'position', property: 'position', type: 'bigint' };
const EVENT: Column = { name: 'event', property: 'event', type: 'text' };
const TRANSITION_COLUMNS: readonly Column[] = [
  POSITION,
  EVENT,
  { name: 'from_state_type', property: 'from', type: 'text' },
  { name: 'occurred_at', property: 'occurredAt', type: 'timestamptz' },
  { name: 'recorded_at', property: 'recordedAt', type: 'timestamptz' },
  { name: 'actor', property: 'actor', type: 'text' },
];

/** A moment of a machine's past: one of its versions, or what had occurred by some time. */
export type Past = { readonly version: number } | { readonly asOf: Date };

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

/** The most transitions that are read of the feed's tail at once. */
const TAIL_PAGE = 500;

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
  readonly #database: Database;
  readonly #reads: ReadLane;
  /** For those who may be shown what is stale. */
  readonly #staleReads: ReadLane;
  readonly #tables: MachineTables;
  readonly #phaseOf: PhaseOf<R, P>;
  readonly #census: Lane<null, Census>;
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
    const census = {
      name: `${tables.ledger}/census`,
      text: `SELECT position, counts FROM ${tables.ledger}`,
    };
    this.#census = new Lane({
      groupSize: 1,
      queueSize: settings.queueSize,
      inFlight: 2,
      observe: observe('census'),
      tracer: settings.tracer,
      execute: async () => this.#database.run<Census>(census, []),
      // All who ask at once are answered from one reading.
      keyOf: () => '',
      follow: (counted) => counted,
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
    const { records, ledger, columns } = this.#tables;
    const keyset: Keyset = {
      name: `${records}/${order}${states ? '/in' : ''}`,
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
   */
  async feed(
    events: readonly string[] | null,
    request: PageRequest,
    deadline = this.#deadline(),
  ): Promise<Page<Transition<P>>> {
    const reader = this.#staleReads.by(deadline);
    return this.#feedPage(reader, 'feed', LARGEST_PAGE, events, request);
  }

  /**
   * What follows in the feed, for those who read all of it: in larger pages than a client may ask for, and
   * never stale. It fails at once where the database does, since they look again in any case.
   *
   * @param after a position
   * @returns the next transitions, `TAIL_PAGE` at most
   */
  async feedAfter(events: readonly string[] | null, after: string): Promise<Page<Transition<P>>> {
    return this.#feedPage(this.#database, 'tail', TAIL_PAGE, events, {
      from: 'start',
      size: TAIL_PAGE,
      after: [after],
    });
  }

  async #feedPage(
    reader: Reader,
    name: string,
    largestPage: number,
    events: readonly string[] | null,
    request: PageRequest,
  ): Promise<Page<Transition<P>>> {
    const { history, historyColumns } = this.#tables;
    const keyset: Keyset = {
      name: `${history}/${name}${events ? '/by' : ''}`,
      table: history,
      largestPage,
      columns: [...historyColumns, ...TRANSITION_COLUMNS],
      key: [POSITION],
      descending: false,
      filter: events ? { column: EVENT, values: distinct(events) } : undefined,
    };
    return readPage(reader, keyset, request, (row) => this.#transitionOf(row));
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
    const queues = { census: this.#census.length, read: this.#reads.length };
    return this.#staleReads === this.#reads
      ? queues
      : { ...queues, 'stale read': this.#staleReads.length };
  }

  /** How large the ledger's table is, in bytes. */
  async ledgerSize(): Promise<number> {
    const { ledger } = this.#tables;
    const [row] = await this.#database.run<{ size: string }>(
      { name: `${ledger}/size`, text: `SELECT pg_table_size('${ledger}') AS size` },
      [],
    );
    return Number(row?.size);
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
    const { history, owner, historyColumns } = this.#tables;
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
            name: `${history}/history`,
            table: history,
            columns: [...historyColumns, ...TRANSITION_COLUMNS],
            key: [this.#column('version')],
            descending: false,
            partition: { column: owner, values: [...ids] },
          };
          const own = await readPages(reader, keyset, request, (row) => this.#transitionOf(row));
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

  #transitionOf(row: object): Transition<P> {
    // The row of a statement that selects TRANSITION_COLUMNS.
    const { position, event, from, occurredAt, recordedAt, actor } = row as Transition<P>;
    const phase = this.#phaseOf(recordOf<R>(this.#tables, row));
    return { position, event, from, phase, occurredAt, recordedAt, actor };
  }

  #column(property: string): Column {
    const column = this.#tables.columns.find((each) => each.property === property);
    if (column === undefined) throw new Error(`${this.#tables.records} lacks ${property}.`);
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
