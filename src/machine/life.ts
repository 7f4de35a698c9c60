/**
 * The life: the list of what it allows, and a class for each phase with just the transitions that this
 * phase may make, so that an illegal one does not compile. Pure: no database, no clock, no randomness.
 *
 * This is the file to replace when you put your own machine in.
 */
import { type EventOf, type StateOf, nextEvents } from 'persistent-machine/machine';
import { CorruptRecord, OccurredAtOutOfRange } from 'persistent-machine/machine';
import { type Moment, occurrence } from 'persistent-machine/machine';
import { type MachinePhase, type MachineRecord, successor } from 'persistent-machine/machine';

/**
 * Everything that a life allows. The classes below are checked against it by the compiler; the schema's
 * `machine` query, the diagrams, the database's CHECK constraint and the test matrix by tests.
 */
export const lifecycle = {
  initial: { event: 'Conception', to: 'Gestating' },
  transitions: {
    Gestating: { Birth: 'Alive', Death: 'Dead' },
    Alive: { Death: 'Dead' },
    Dead: {},
  },
} as const;

export type LifeState = StateOf<typeof lifecycle>;
export type LifeEvent = EventOf<typeof lifecycle>;

/** A life's database record. `stateType` is a plain string until `phaseOf` has looked at it. */
export interface LifeRecord extends MachineRecord {
  readonly bornAt: Date | null;
  readonly diedAt: Date | null;
}

/** The record of a life in state `S`, narrowed to what that state implies. */
type RecordIn<S extends LifeState, Implied extends Partial<LifeRecord>> = LifeRecord & {
  readonly stateType: S;
} & Readonly<Implied>;

/** The verb of each event: the name of the method that makes the transition. */
export const transitionMethods = { Birth: 'birth', Death: 'die' } as const;

/** What the class for state `S` must have, and the methods that the list demands of it; one that is missing does not compile. */
type Transitions<S extends LifeState> = MachinePhase<LifeRecord> & {
  readonly [
    E in keyof (typeof lifecycle)['transitions'][S] &
      keyof typeof transitionMethods as (typeof transitionMethods)[E]
  ]: (
    at: Moment,
  ) => PhaseIn[(typeof lifecycle)['transitions'][S][E] & LifeState] | OccurredAtOutOfRange;
};

export class Gestating implements Transitions<'Gestating'> {
  readonly stateType = 'Gestating';

  constructor(readonly state: RecordIn<'Gestating', { bornAt: null; diedAt: null }>) {}

  /** The beginning of every life. */
  static conceive(id: string, now: Date): Gestating {
    return new Gestating({
      id,
      version: 1,
      stateType: 'Gestating',
      createdAt: now,
      updatedAt: now,
      bornAt: null,
      diedAt: null,
    });
  }

  get occurredAt(): Date {
    return this.state.createdAt;
  }

  get nextEvents(): readonly LifeEvent[] {
    return nextEvents(lifecycle, this.stateType);
  }

  birth(at: Moment): Alive | OccurredAtOutOfRange {
    const bornAt = occurrence(at, this.occurredAt);
    if (bornAt instanceof OccurredAtOutOfRange) return bornAt;
    return new Alive({ ...successor(this.state, at.now), stateType: 'Alive', bornAt });
  }

  /** A life may die before it is born; `bornAt` then stays null for good. */
  die(at: Moment): Dead | OccurredAtOutOfRange {
    const diedAt = occurrence(at, this.occurredAt);
    if (diedAt instanceof OccurredAtOutOfRange) return diedAt;
    return new Dead({ ...successor(this.state, at.now), stateType: 'Dead', diedAt });
  }
}

export class Alive implements Transitions<'Alive'> {
  readonly stateType = 'Alive';

  constructor(readonly state: RecordIn<'Alive', { bornAt: Date; diedAt: null }>) {}

  get occurredAt(): Date {
    return this.state.bornAt;
  }

  get nextEvents(): readonly LifeEvent[] {
    return nextEvents(lifecycle, this.stateType);
  }

  die(at: Moment): Dead | OccurredAtOutOfRange {
    const diedAt = occurrence(at, this.occurredAt);
    if (diedAt instanceof OccurredAtOutOfRange) return diedAt;
    return new Dead({ ...successor(this.state, at.now), stateType: 'Dead', diedAt });
  }
}

/** The end. It must stay without methods: `new Dead(…).birth(…)` has to be a compile error. */
export class Dead implements Transitions<'Dead'> {
  readonly stateType = 'Dead';

  constructor(readonly state: RecordIn<'Dead', { diedAt: Date }>) {}

  get occurredAt(): Date {
    return this.state.diedAt;
  }

  get nextEvents(): readonly LifeEvent[] {
    return nextEvents(lifecycle, this.stateType);
  }
}

/** The class of each state. */
interface PhaseIn {
  readonly Gestating: Gestating;
  readonly Alive: Alive;
  readonly Dead: Dead;
}

/** A life is in exactly one of these. */
export type Phase = PhaseIn[LifeState];

/**
 * Looks at a phase by its class. All arms are needed: a missing one does not compile.
 *
 * @returns what the arm for this phase returns
 */
export function match<Arms extends { readonly [S in LifeState]: (life: PhaseIn[S]) => unknown }>(
  phase: Phase,
  arms: Arms,
): ReturnType<Arms[LifeState]> {
  // The arm of the phase's own state, which takes just this phase; TypeScript keeps no pairs.
  const arm = arms[phase.stateType] as (life: Phase) => ReturnType<Arms[LifeState]>;
  return arm(phase);
}

/** How each state's class is rebuilt from a record; undefined where the timestamps contradict the state. */
const rebuild: { readonly [S in LifeState]: (record: LifeRecord) => PhaseIn[S] | undefined } = {
  Gestating: (record) => {
    const { bornAt, diedAt } = record;
    return bornAt === null && diedAt === null
      ? new Gestating({ ...record, stateType: 'Gestating', bornAt, diedAt })
      : undefined;
  },
  Alive: (record) => {
    const { bornAt, diedAt } = record;
    return bornAt !== null && diedAt === null
      ? new Alive({ ...record, stateType: 'Alive', bornAt, diedAt })
      : undefined;
  },
  Dead: (record) => {
    const { diedAt } = record;
    return diedAt !== null ? new Dead({ ...record, stateType: 'Dead', diedAt }) : undefined;
  },
};

/**
 * Rebuilds the phase that a database record is in.
 *
 * @throws CorruptRecord where the state is none of ours, or state and timestamps disagree
 */
export function phaseOf(record: LifeRecord): Phase {
  const phase = isLifeState(record.stateType) ? rebuild[record.stateType](record) : undefined;
  if (phase === undefined) throw new CorruptRecord(record);
  return phase;
}

function isLifeState(stateType: string): stateType is LifeState {
  return Object.hasOwn(lifecycle.transitions, stateType);
}
