/** Makes transitions from rows of the history. The phase is rebuilt elsewhere. */
import type { MachineRecord } from '../machine';
import { type Column, recordOf } from './columns';
import { DATA_COLUMN, type StoredData } from './data';
import { type Place, fingerprintOf, witnessOf } from './place';
import type { MachineTables } from './tables';

/** One recorded change, with its place in the feed. */
export interface TransitionRow extends Place {
  readonly fingerprint: string;
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

export const POSITION: Column = { name: 'position', property: '#position', type: 'bigint' };
export const EVENT: Column = { name: 'event', property: '#event', type: 'text' };

/** The columns beside those of the record. */
const TRANSITION_COLUMNS: readonly Column[] = [
  POSITION,
  EVENT,
  { name: 'from_state_type', property: '#from', type: 'text' },
  { name: 'occurred_at', property: '#occurredAt', type: 'timestamptz' },
  { name: 'recorded_at', property: '#recordedAt', type: 'timestamptz' },
  { name: 'actor', property: '#actor', type: 'text' },
];

interface Row {
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
  return {
    position: columns['#position'],
    fingerprint: fingerprintOf(witnessOf(record.id, record.version, recordedAt)),
    event: columns['#event'],
    from: columns['#from'],
    data: columns['#data'] ?? null,
    record,
    occurredAt: columns['#occurredAt'],
    recordedAt,
    actor: columns['#actor'],
  };
}
