/** A second machine, small and cyclic: a door. Everything that a machine needs is in this folder. */
import {
  type EventOf,
  IllegalTransition,
  type MachineRecord,
  type Moment,
  OccurredAtOutOfRange,
  type StateOf,
  type TransitionError,
  nextEvents,
  occurrence,
  successor,
} from '../../src/machine';

export const doorMachine = {
  initial: { event: 'Installation', to: 'Closed' },
  transitions: {
    Open: { Closing: 'Closed' },
    Closed: { Opening: 'Open', Locking: 'Locked' },
    Locked: { Unlocking: 'Closed' },
  },
} as const;

export type DoorState = StateOf<typeof doorMachine>;
export type DoorEvent = EventOf<typeof doorMachine>;

export interface DoorRecord extends MachineRecord {
  /** When it was last moved. */
  readonly movedAt: Date;
}

type RecordIn<S extends DoorState> = DoorRecord & { readonly stateType: S };

/** The next record of a door that is moved into another state. */
function moved<S extends DoorState>(
  record: DoorRecord,
  stateType: S,
  at: Moment,
): RecordIn<S> | OccurredAtOutOfRange {
  const movedAt = occurrence(at, record.movedAt);
  if (movedAt instanceof OccurredAtOutOfRange) return movedAt;
  return { ...successor(record, at.now), stateType, movedAt };
}

abstract class Door<S extends DoorState> {
  abstract readonly stateType: S;

  constructor(readonly state: RecordIn<S>) {}

  get occurredAt(): Date {
    return this.state.movedAt;
  }

  get nextEvents(): readonly DoorEvent[] {
    return nextEvents(doorMachine, this.stateType);
  }
}

export class Open extends Door<'Open'> {
  readonly stateType = 'Open';

  close(at: Moment): Closed | OccurredAtOutOfRange {
    const record = moved(this.state, 'Closed', at);
    return record instanceof OccurredAtOutOfRange ? record : new Closed(record);
  }
}

export class Closed extends Door<'Closed'> {
  readonly stateType = 'Closed';

  static install(id: string, now: Date): Closed {
    const moments = { createdAt: now, updatedAt: now, movedAt: now };
    return new Closed({ id, version: 1, stateType: 'Closed', ...moments });
  }

  open(at: Moment): Open | OccurredAtOutOfRange {
    const record = moved(this.state, 'Open', at);
    return record instanceof OccurredAtOutOfRange ? record : new Open(record);
  }

  lock(at: Moment): Locked | OccurredAtOutOfRange {
    const record = moved(this.state, 'Locked', at);
    return record instanceof OccurredAtOutOfRange ? record : new Locked(record);
  }
}

export class Locked extends Door<'Locked'> {
  readonly stateType = 'Locked';

  unlock(at: Moment): Closed | OccurredAtOutOfRange {
    const record = moved(this.state, 'Closed', at);
    return record instanceof OccurredAtOutOfRange ? record : new Closed(record);
  }
}

export type DoorPhase = Open | Closed | Locked;

export function doorOf(record: DoorRecord): DoorPhase {
  switch (record.stateType) {
    case 'Open':
      return new Open({ ...record, stateType: 'Open' });
    case 'Closed':
      return new Closed({ ...record, stateType: 'Closed' });
    case 'Locked':
      return new Locked({ ...record, stateType: 'Locked' });
    default:
      throw new Error(`${record.stateType} is no state of a door.`);
  }
}

type Step = (door: DoorPhase, at: Moment) => DoorPhase | TransitionError;

/** The four steps, each legal from one state only. */
export const steps: Readonly<Record<Exclude<DoorEvent, 'Installation'>, Step>> = {
  Opening: (door, at) =>
    door instanceof Closed ? door.open(at) : new IllegalTransition('Opening', door),
  Closing: (door, at) =>
    door instanceof Open ? door.close(at) : new IllegalTransition('Closing', door),
  Locking: (door, at) =>
    door instanceof Closed ? door.lock(at) : new IllegalTransition('Locking', door),
  Unlocking: (door, at) =>
    door instanceof Locked ? door.unlock(at) : new IllegalTransition('Unlocking', door),
};
