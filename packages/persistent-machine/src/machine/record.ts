/**
 * The columns that the record of every machine has, and what every phase offers. Which further columns a record has is
 * its own machine's declaration.
 */

/** A machine's database record, as plain data. */
export interface MachineRecord {
  /** A UUID in lower case. */
  readonly id: string;
  /** 1 when the machine began; one more with each transition. */
  readonly version: number;
  /** The name of the state that this record is in. */
  readonly stateType: string;
  /** When the machine began. */
  readonly createdAt: Date;
  /** When the last transition was recorded, by the clock of the instance that recorded it. */
  readonly updatedAt: Date;
}

/** A record of which no more is known than that it has columns of its machine's own. */
export type AnyRecord = MachineRecord & Readonly<Record<string, unknown>>;

/** A phase of any machine: an object of the class of one state, which holds the record narrowed to that state. */
export interface MachinePhase<R extends MachineRecord = MachineRecord> {
  readonly stateType: string;
  readonly state: R;
  /** When the last transition occurred, as its caller said; the next one may not precede it. */
  readonly occurredAt: Date;
  readonly nextEvents: readonly string[];
}
