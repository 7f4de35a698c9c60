/** Transitions as the history has them: which columns they are read from, and the feed as a keyset. Reads nothing itself. */
import type { MachinePhase, MachineRecord } from '../machine';
import type { PhaseOf } from './MachineStore';
import type { Keyset } from './pages';
import { type Place, fingerprintOf, witnessExpression, witnessOf } from './place';
import { type Column, type MachineTables, recordOf } from './tables';

/** One recorded change; its place in the feed of all transitions is its own. */
export interface Transition<P extends MachinePhase<MachineRecord>> extends Place {
  readonly fingerprint: string;
  readonly event: P['nextEvents'][number];
  /** The state before; null for the beginning. */
  readonly from: P['stateType'] | null;
  /** The machine as it was right after. */
  readonly phase: P;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly actor: string | null;
}

const POSITION: Column = { name: 'position', property: 'position', type: 'bigint' };
const EVENT: Column = { name: 'event', property: 'event', type: 'text' };

/** Beside those of the record. */
export const TRANSITION_COLUMNS: readonly Column[] = [
  POSITION,
  EVENT,
  { name: 'from_state_type', property: 'from', type: 'text' },
  { name: 'occurred_at', property: 'occurredAt', type: 'timestamptz' },
  { name: 'recorded_at', property: 'recordedAt', type: 'timestamptz' },
  { name: 'actor', property: 'actor', type: 'text' },
];

/** @param row of a statement that selects the history's columns of the record, and TRANSITION_COLUMNS */
export function transitionOf<R extends MachineRecord, P extends MachinePhase<R>>(
  tables: MachineTables,
  phaseOf: PhaseOf<R, P>,
  row: object,
): Transition<P> {
  const { position, event, from, occurredAt, recordedAt, actor } = row as Transition<P>;
  const phase = phaseOf(recordOf<R>(tables, row));
  const { id, version } = phase.state;
  const fingerprint = fingerprintOf(witnessOf(id, version, recordedAt));
  return { position, fingerprint, event, from, phase, occurredAt, recordedAt, actor };
}

/**
 * All transitions in the order of commits.
 *
 * @param name of the kind of page
 * @param events only transitions by one of these; null: by any
 */
export function feedKeyset(
  tables: MachineTables,
  name: string,
  largestPage: number,
  events: readonly string[] | null,
): Keyset {
  const { names, history, historyColumns } = tables;
  return {
    name: `${names.history}/${name}${events ? '/by' : ''}`,
    table: history,
    largestPage,
    columns: [...historyColumns, ...TRANSITION_COLUMNS],
    key: [POSITION],
    descending: false,
    filter: events ? { column: EVENT, values: [...new Set(events)] } : undefined,
    witness: witnessExpression(tables, 'row'),
  };
}
