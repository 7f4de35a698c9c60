/**
 * The columns that every record has, and what every phase offers. Further columns come from the machine's
 * declaration.
 */

/** A machine's database record, as plain data. */
export interface MachineRecord {
  /** A UUID in lower case. */
  readonly id: string;
  /** 1 for the beginning, and one more for each transition. */
  readonly version: number;
  /** The name of the state. */
  readonly stateType: string;
  /** When the machine began. */
  readonly createdAt: Date;
  /** When the last transition was recorded, by the clock of the instance that recorded it. */
  readonly updatedAt: Date;
}

/** A record of any machine, with that machine's own columns. */
export type AnyRecord = MachineRecord & Readonly<Record<string, unknown>>;

/** A phase of any machine: an object of the class of its state, which holds the record. */
export interface MachinePhase<R extends MachineRecord = MachineRecord> {
  readonly stateType: string;
  readonly state: R;
  /** When the last transition occurred. The next one may not precede it. */
  readonly occurredAt: Date;
  readonly nextEvents: readonly string[];
}
