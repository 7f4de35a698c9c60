/** Makes transitions from rows of the history. The phase is rebuilt elsewhere. */
import type { MachineRecord } from '../machine';
import { type Column, recordOf } from './columns';
import { DATA_COLUMN, type StoredData } from './data';
import { type MarkIn, type Place, markAt, witnessOf } from './place';
import type { MachineTables } from './tables';

/** One recorded change. */
export interface TransitionRow extends MarkIn {
  /** The place right after it; undefined if it was not read from the feed, and there are several partitions. */
  readonly place: Place | undefined;
  readonly event: string;
  /** The state before; null for the beginning. */
  readonly from: string | null;
  /** The event's data. */
  readonly data: StoredData;
  /** The machine's record right after the transition. */
  readonly record: MachineRecord;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly actor: string | null;
}

/** The columns beside those of the record. */
const TRANSITION_COLUMNS: readonly Column[] = [
  { name: 'partition', property: '#partition', type: 'integer' },
  { name: 'position', property: '#position', type: 'bigint' },
  { name: 'event', property: '#event', type: 'text' },
  { name: 'from_state_type', property: '#from', type: 'text' },
  { name: 'occurred_at', property: '#occurredAt', type: 'timestamptz' },
  { name: 'recorded_at', property: '#recordedAt', type: 'timestamptz' },
  { name: 'actor', property: '#actor', type: 'text' },
];

interface Row {
  readonly '#partition': number;
  readonly '#position': string;
  readonly '#event': string;
  readonly '#from': string | null;
  readonly '#occurredAt': Date;
  readonly '#recordedAt': Date;
  readonly '#actor': string | null;
  readonly '#data'?: StoredData;
}

/** All columns of a transition. */
export function transitionColumns({ historyColumns, hasData }: MachineTables): readonly Column[] {
  return [...historyColumns, ...TRANSITION_COLUMNS, ...(hasData ? [DATA_COLUMN] : [])];
}

/** @param row of a statement that selects `transitionColumns` */
export function transitionOf(tables: MachineTables, row: object): TransitionRow {
  // The statement selected these columns.
  const columns = row as Row;
  const record = recordOf(tables, row);
  const recordedAt = columns['#recordedAt'];
  const mark = markAt(columns['#position'], witnessOf(record.id, record.version, recordedAt));
  return {
    partition: columns['#partition'],
    ...mark,
    place: tables.partitions === 1 ? [mark] : undefined,
    event: columns['#event'],
    from: columns['#from'],
    data: columns['#data'] ?? null,
    record,
    occurredAt: columns['#occurredAt'],
    recordedAt,
    actor: columns['#actor'],
  };
}
