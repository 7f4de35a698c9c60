/** A machine with the classes of its phases: what the floors above ask of it, by names alone. */
import { checkClasses } from './checks/classes';
import type { AnyClasses, CheckedClasses, Outcome, PhaseOf } from './classes';
import type { Outline } from './declaration';
import { type Edge, edgesOf, mermaid } from './diagram';
import type { AnyStep } from './generic';
import type { Moment } from './guard';
import type { Machine } from './machine';
import type { StatePlan } from './plan';
import type {
  Data,
  EventOf,
  InitialEventOf,
  InitialStateOf,
  StateOf,
  TransitionEventOf,
} from './reading';
import type { MachinePhase, MachineRecord } from './record';
import { CorruptRecord } from './refusals';
import { stepOf } from './step';
import { contradiction } from './succession';

export interface Lifecycle<D extends Outline, C extends AnyClasses> {
  readonly machine: Machine<D>;
  /** The class of each state. */
  readonly classes: C;
  /** In the order of the declaration. */
  readonly states: readonly StateOf<D>[];
  /** The one that begins a machine first. */
  readonly events: readonly EventOf<D>[];
  /** The beginning first; an event with several targets has several. */
  readonly edges: readonly Edge<StateOf<D>, EventOf<D>>[];

  /**
   * The phase that a database record is in. The phase keeps the record, which must not be changed any more.
   *
   * @throws CorruptRecord where the state is none of the machine's, or the other columns contradict it
   */
  phaseOf(record: MachineRecord): PhaseOf<C, StateOf<D>>;

  /**
   * Looks at a phase by its state. All arms are needed: a missing one does not compile.
   *
   * @returns what the arm for this phase returns
   */
  match<Arms extends { readonly [S in StateOf<D>]: (phase: PhaseOf<C, S>) => unknown }>(
    phase: PhaseOf<C, StateOf<D>>,
    arms: Arms,
  ): ReturnType<Arms[StateOf<D>]>;

  /**
   * The first phase of a machine, version 1.
   *
   * @param data what the initial event carries; `{}` where it carries nothing
   * @param now when it begins, and is recorded
   * @throws TypeError where the data lack a column that the initial state has
   */
  begin(id: string, data: Data<D, InitialEventOf<D>>, now: Date): PhaseOf<C, InitialStateOf<D>>;

  /**
   * The step of an event, always the same function: it calls the event's verb on the phase. A phase whose state does
   * not accept the event is an `IllegalTransition`. The step throws a TypeError where the verb makes what cannot be
   * recorded.
   *
   * @throws TypeError where no state accepts the event
   */
  step<E extends TransitionEventOf<D>>(event: E): Step<D, C, E>;

  /** The events that a state accepts; none where it is final. */
  nextEvents(state: StateOf<D>): readonly TransitionEventOf<D>[];

  /** The columns that an event may change: its moment, its data that are columns, and what its class computes. */
  sets(event: EventOf<D>): readonly string[];

  /** The machine as a Mermaid state diagram. */
  mermaid(): string;
}

/** Asks a phase for an event; `data` is `{}` where the event carries nothing. */
export type Step<D extends Outline, C extends AnyClasses, E extends TransitionEventOf<D>> = (
  phase: PhaseOf<C, StateOf<D>>,
  data: Data<D, E>,
  at: Moment,
) => Outcome<D, C, E>;

/**
 * Puts the classes of its states to a machine. A class that lacks a verb, or whose verb leads elsewhere, does not
 * compile.
 *
 * @throws TypeError where a class is not of its state, or lacks a verb, in a sentence for each place
 */
export function classes<D extends Outline, C extends AnyClasses>(
  machine: Machine<D>,
  classesOfStates: [C] extends [CheckedClasses<D, C>] ? C : CheckedClasses<D, C>,
): Lifecycle<D, C> {
  // To what runs, the names of D are strings, and the classes of C make phases of records; the types above say more.
  const plain = machine as unknown as Machine;
  const lifecycle = new NamedLifecycle(plain, classesOfStates as NamedClasses);
  return lifecycle as unknown as Lifecycle<D, C>;
}

type NamedClasses = Readonly<Record<string, new (state: MachineRecord) => MachinePhase>>;

/** A state, as it is found by its name. */
interface NamedState {
  readonly plan: StatePlan;
  readonly phase: NamedClasses[string];
}

class NamedLifecycle {
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly edges: readonly Edge[];
  readonly #states: ReadonlyMap<string, NamedState>;
  readonly #steps: ReadonlyMap<string, AnyStep>;

  constructor(
    readonly machine: Machine,
    readonly classes: NamedClasses,
  ) {
    checkClasses(machine, classes);
    const { declaration, plan } = machine;
    this.states = [...plan.states.keys()];
    this.events = [...plan.events.keys()];
    this.edges = edgesOf(declaration);
    this.#states = new Map(
      Object.entries(classes).flatMap(([state, phase]) => {
        const of = plan.states.get(state);
        return of === undefined ? [] : [[state, { plan: of, phase }]];
      }),
    );
    this.#steps = new Map(
      [...plan.events.values()]
        .filter(({ event }) => event !== declaration.initial.event)
        .map((of) => [of.event, stepOf(of, this.#states)]),
    );
  }

  phaseOf(record: MachineRecord): MachinePhase {
    const state = this.#states.get(record.stateType);
    if (state === undefined) {
      throw new CorruptRecord(record, `which is no state of ${this.machine.name}`);
    }
    const wrong = contradiction(state.plan, record);
    if (wrong !== undefined) throw new CorruptRecord(record, wrong);
    return new state.phase(record);
  }

  match(
    phase: MachinePhase,
    arms: Readonly<Record<string, (phase: MachinePhase) => unknown>>,
  ): unknown {
    const arm = arms[phase.stateType];
    if (arm === undefined) throw new TypeError(`There is no arm for ${phase.stateType}.`);
    return arm(phase);
  }

  begin(id: string, data: Readonly<Record<string, unknown>>, now: Date): MachinePhase {
    const { columns, initial } = this.machine.declaration;
    const record: MachineRecord & Record<string, unknown> = {
      id,
      version: 1,
      stateType: initial.to,
      createdAt: now,
      updatedAt: now,
    };
    for (const column in columns) record[column] = null;
    for (const column of this.sets(initial.event)) record[column] = data[column] ?? null;
    try {
      return this.phaseOf(record);
    } catch (error) {
      throw new TypeError(`${initial.event} lacks what ${initial.to} has.`, { cause: error });
    }
  }

  step(event: string): AnyStep {
    const step = this.#steps.get(event);
    if (step === undefined) {
      const known = [...this.#steps.keys()].join(', ');
      throw new TypeError(`No state of ${this.machine.name} accepts ${event}; there are ${known}.`);
    }
    return step;
  }

  nextEvents(state: string): readonly string[] {
    return this.machine.plan.states.get(state)?.nextEvents ?? [];
  }

  sets(event: string): readonly string[] {
    return this.machine.plan.events.get(event)?.sets ?? [];
  }

  mermaid(): string {
    return mermaid(this.machine.declaration);
  }
}
