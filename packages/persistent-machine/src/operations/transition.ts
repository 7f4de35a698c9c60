/** Transitions as the history has them: which columns they are read from. Rebuilds no phase, and reads nothing itself. */
import type { MachineRecord } from '../machine';
import { type Column, recordOf } from './columns';
import { type Place, fingerprintOf, witnessOf } from './place';
import type { MachineTables } from './tables';

/** One recorded change; its place in the feed of all transitions is its own. */
export interface TransitionRow<R extends MachineRecord = MachineRecord> extends Place {
  readonly fingerprint: string;
  readonly event: string;
  /** The state before; null for the beginning. */
  readonly from: string | null;
  /** The machine's record as it was right after. */
  readonly record: R;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly actor: string | null;
}

export const POSITION: Column = { name: 'position', property: 'position', type: 'bigint' };
export const EVENT: Column = { name: 'event', property: 'event', type: 'text' };

/** Beside those of the record. */
const TRANSITION_COLUMNS: readonly Column[] = [
  POSITION,
  EVENT,
  { name: 'from_state_type', property: 'from', type: 'text' },
  { name: 'occurred_at', property: 'occurredAt', type: 'timestamptz' },
  { name: 'recorded_at', property: 'recordedAt', type: 'timestamptz' },
  { name: 'actor', property: 'actor', type: 'text' },
];

/** All columns that a transition is read from. */
export function transitionColumns({ historyColumns }: MachineTables): readonly Column[] {
  return [...historyColumns, ...TRANSITION_COLUMNS];
}

/** @param row of a statement that selects the columns of a transition */
export function transitionOf<R extends MachineRecord>(
  tables: MachineTables,
  row: object,
): TransitionRow<R> {
  const { position, event, from, occurredAt, recordedAt, actor } = row as TransitionRow;
  const record = recordOf<R>(tables, row);
  const fingerprint = fingerprintOf(witnessOf(record.id, record.version, recordedAt));
  return { position, fingerprint, event, from, record, occurredAt, recordedAt, actor };
}
