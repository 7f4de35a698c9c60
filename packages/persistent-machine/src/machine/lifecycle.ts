/** A machine with the classes of its phases: what the floors above ask of it, by names alone. */
import { beginningOf } from './beginning';
import { checkClasses } from './checks/classes';
import type { AnyClasses, CheckedClasses, Outcome, PhaseOf } from './classes';
import type { Outline } from './declaration';
import { type Edge, edgesOf, mermaid } from './diagram';
import type { AnyStep } from './generic';
import type { Moment } from './guard';
import type { Machine } from './machine';
import { known } from './plan';
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
import { type ClassedState, stepOf } from './step';
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

type NamedClasses = Readonly<Record<string, ClassedState['phase']>>;

/** A lifecycle whose states, events and columns are names; all that depends on them alone is made once. */
class NamedLifecycle {
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly edges: readonly Edge[];
  readonly begin: ReturnType<typeof beginningOf>;
  readonly #states: ReadonlyMap<string, ClassedState>;
  readonly #steps: ReadonlyMap<string, AnyStep>;

  constructor(
    readonly machine: Machine,
    readonly classes: NamedClasses,
  ) {
    checkClasses(machine, classes);
    const { initial } = machine.declaration;
    const { events, states } = machine.plan;
    this.states = [...states.keys()];
    this.events = [...events.keys()];
    this.edges = edgesOf(machine.declaration);
    const phases = new Map(Object.entries(classes));
    this.#states = new Map(
      Array.from(states, ([state, plan]) => [state, { plan, phase: known(phases, state) }]),
    );
    this.begin = beginningOf(known(events, initial.event), known(this.#states, initial.to));
    const steps = new Map(
      Array.from(events, ([event, plan]) => [event, stepOf(plan, this.#states)]),
    );
    steps.delete(initial.event);
    this.#steps = steps;
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

  step(event: string): AnyStep {
    const step = this.#steps.get(event);
    if (step === undefined) {
      const events = [...this.#steps.keys()].join(', ');
      throw new TypeError(
        `No state of ${this.machine.name} accepts ${event}; there are ${events}.`,
      );
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
