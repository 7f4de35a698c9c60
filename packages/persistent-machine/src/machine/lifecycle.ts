/** A machine with the classes of its phases: the interface by which the floors above use it. It knows no database. */
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
  /** The initial event comes first. */
  readonly events: readonly EventOf<D>[];
  /** The beginning comes first. An event has one edge for each of its targets. */
  readonly edges: readonly Edge<StateOf<D>, EventOf<D>>[];

  /**
   * The phase that a database record is in. The phase keeps the record itself, so the caller must not change it.
   *
   * @throws CorruptRecord if the machine has no such state, or the other columns contradict the state
   */
  phaseOf(record: MachineRecord): PhaseOf<C, StateOf<D>>;

  /**
   * Calls the arm for the phase's state. A missing arm does not compile.
   *
   * @returns what the arm returns
   */
  match<Arms extends { readonly [S in StateOf<D>]: (phase: PhaseOf<C, S>) => unknown }>(
    phase: PhaseOf<C, StateOf<D>>,
    arms: Arms,
  ): ReturnType<Arms[StateOf<D>]>;

  /**
   * The first phase of a machine, version 1.
   *
   * @param data what the initial event carries; `{}` where it carries nothing
   * @param now when the machine begins, and when that is recorded
   * @throws TypeError if the data lack a column that the initial state has
   */
  begin(id: string, data: Data<D, InitialEventOf<D>>, now: Date): PhaseOf<C, InitialStateOf<D>>;

  /**
   * The step of an event, which calls the event's verb on a phase. It returns an `IllegalTransition` if the phase's
   * state does not accept the event, and throws a TypeError if the verb returns what cannot be recorded. Each call
   * returns the same function.
   *
   * @throws TypeError if no state accepts the event
   */
  step<E extends TransitionEventOf<D>>(event: E): Step<D, C, E>;

  /** The events that a state accepts; none where it is final. */
  nextEvents(state: StateOf<D>): readonly TransitionEventOf<D>[];

  /** The columns that an event may change: its moment, the columns among its data, and what its class computes. */
  sets(event: EventOf<D>): readonly string[];

  /** The machine as a Mermaid state diagram. */
  mermaid(): string;
}

/** Asks a phase for an event. `data` is `{}` if the event carries nothing. */
export type Step<D extends Outline, C extends AnyClasses, E extends TransitionEventOf<D>> = (
  phase: PhaseOf<C, StateOf<D>>,
  data: Data<D, E>,
  at: Moment,
) => Outcome<D, C, E>;

/**
 * Joins a machine and the classes of its states. A class that lacks a verb, or whose verb leads elsewhere, does not
 * compile.
 *
 * @throws TypeError with one sentence for each class that is missing or unknown, or has not the verbs of its state
 */
export function classes<D extends Outline, C extends AnyClasses>(
  machine: Machine<D>,
  classesOfStates: [C] extends [CheckedClasses<D, C>] ? C : CheckedClasses<D, C>,
): Lifecycle<D, C> {
  // At run time the names of D are plain strings, and the classes of C plain constructors. The types above say more.
  const plain = machine as unknown as Machine;
  const lifecycle = new NamedLifecycle(plain, classesOfStates as NamedClasses);
  return lifecycle as unknown as Lifecycle<D, C>;
}

type NamedClasses = Readonly<Record<string, ClassedState['phase']>>;

/** The lifecycle at run time, where states, events and columns are plain strings. */
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
      throw new CorruptRecord(record, `which is not a state of ${this.machine.name}`);
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
    if (arm === undefined) throw new TypeError(`match has no arm for ${phase.stateType}.`);
    return arm(phase);
  }

  step(event: string): AnyStep {
    const step = this.#steps.get(event);
    if (step === undefined) {
      const events = [...this.#steps.keys()].join(', ');
      throw new TypeError(
        `No state of ${this.machine.name} accepts ${event}; its events are ${events}.`,
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
