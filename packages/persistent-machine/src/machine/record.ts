/**
 * The columns that the record of any persistent machine has, and what a phase rebuilt from it offers.
 * Generic; which further columns a record has is its own machine's business.
 */

/** A machine's database record, as plain data. */
export interface MachineRecord {
  /** A UUID in lower case. */
  readonly id: string;
  /** 1 when the machine began; one more with each transition. */
  readonly version: number;
  /** The textual name of the phase that this record is in. */
  readonly stateType: string;
  readonly createdAt: Date;
  /** When the last transition was recorded, by the clock of the instance that recorded it. */
  readonly updatedAt: Date;
}

/** One phase of a machine: a class of its own for each state, which holds the record narrowed to that state. */
export interface MachinePhase<R extends MachineRecord> {
  readonly stateType: string;
  readonly state: R;
  /** When the last transition occurred, as its caller said; what the next one may not precede. */
  readonly occurredAt: Date;
  readonly nextEvents: readonly string[];
}

/** What the next record shares with every next record: one version on, and recorded now. */
export function successor<R extends MachineRecord>(record: R, now: Date): R {
  return { ...record, version: record.version + 1, updatedAt: now };
}
