/** A machine with the classes of its phases: what the floors above ask of it, by names alone. */
import type { AnyClasses, CheckedClasses, Classes, Outcome, PhaseOf } from './classes';
import type {
  Data,
  Declaration,
  EventOf,
  InitialEventOf,
  InitialStateOf,
  StateOf,
  TransitionEventOf,
} from './declaration';
import { type Edge, edgesOf, mermaid } from './diagram';
import type { Moment } from './guard';
import type { Machine } from './machine';
import type { EventPlan, StatePlan } from './plan';
import type { MachinePhase, MachineRecord } from './record';
import { CorruptRecord, IllegalTransition, Refusal } from './refusals';
import { checkRefusal, checkSuccession, contradiction } from './succession';

export interface Lifecycle<D extends Declaration, C extends AnyClasses> {
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
   * not accept the event is an `IllegalTransition`.
   *
   * @throws TypeError where no state accepts the event; the step does, where the verb made what cannot be recorded
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
export type Step<D extends Declaration, C extends AnyClasses, E extends TransitionEventOf<D>> = (
  phase: PhaseOf<C, StateOf<D>>,
  data: Data<D, E>,
  at: Moment,
) => Outcome<D, C, E>;

type AnyClass = new (state: MachineRecord) => MachinePhase;
type AnyStep = (phase: MachinePhase, data: unknown, at: Moment) => MachinePhase | Refusal;

/** Puts the classes of the phases to the machine. */
export function classes<D extends Declaration, const C extends Classes<D>>(
  machine: Machine<D>,
  phases: C & CheckedClasses<D>,
): Lifecycle<D, C> {
  const built = new RuntimeLifecycle(machine, phases as unknown as Record<string, AnyClass>);
  // The names of the declaration, and the classes that were checked against it, are only names and classes here.
  return built as unknown as Lifecycle<D, C>;
}

class RuntimeLifecycle {
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly edges: readonly Edge[];
  readonly #plans: Readonly<Record<string, { readonly plan: StatePlan; readonly phase: AnyClass }>>;
  readonly #steps: Readonly<Record<string, AnyStep>>;

  constructor(
    readonly machine: Pick<Machine<Declaration>, 'name' | 'declaration' | 'plan'>,
    readonly classes: Readonly<Record<string, AnyClass>>,
  ) {
    const { declaration, plan } = machine;
    this.states = Object.keys(plan.states);
    this.events = Object.keys(plan.events);
    this.edges = edgesOf(declaration);
    this.#plans = Object.fromEntries(
      Object.values(plan.states).map((of) => {
        const phase = classes[of.state];
        if (phase === undefined) throw new TypeError(`${machine.name} has no class ${of.state}.`);
        return [of.state, { plan: of, phase }];
      }),
    );
    this.#steps = Object.fromEntries(
      Object.values(plan.events)
        .filter(({ event }) => event !== declaration.initial.event)
        .map((of) => [of.event, this.#stepOf(of)]),
    );
  }

  phaseOf(record: MachineRecord): MachinePhase {
    const { stateType } = record;
    const found = Object.hasOwn(this.#plans, stateType) ? this.#plans[stateType] : undefined;
    if (found === undefined) {
      throw new CorruptRecord(record, `which is no state of ${this.machine.name}`);
    }
    const wrong = contradiction(found.plan, record);
    if (wrong !== undefined) throw new CorruptRecord(record, wrong);
    return new found.phase(record);
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
    const { initial, columns } = this.machine.declaration;
    const record: MachineRecord & Record<string, unknown> = {
      id,
      version: 1,
      stateType: initial.to,
      createdAt: now,
      updatedAt: now,
    };
    for (const column of Object.keys(columns)) record[column] = null;
    for (const column of this.sets(initial.event)) record[column] = data[column] ?? null;
    const found = this.#plans[initial.to];
    if (found === undefined) throw new TypeError(`There is no ${initial.to}.`);
    const wrong = contradiction(found.plan, record);
    if (wrong !== undefined)
      throw new TypeError(`${initial.event} begins ${initial.to}, ${wrong}.`);
    return new found.phase(record);
  }

  step(event: string): AnyStep {
    const step = Object.hasOwn(this.#steps, event) ? this.#steps[event] : undefined;
    if (step === undefined) {
      const known = Object.keys(this.#steps).join(', ');
      throw new TypeError(`No state of ${this.machine.name} accepts ${event}; there are ${known}.`);
    }
    return step;
  }

  nextEvents(state: string): readonly string[] {
    return this.machine.plan.states[state]?.nextEvents ?? [];
  }

  sets(event: string): readonly string[] {
    return this.machine.plan.events[event]?.sets ?? [];
  }

  mermaid(): string {
    return mermaid(this.machine.declaration);
  }

  #stepOf(of: EventPlan): AnyStep {
    const { event, verb, takesData } = of;
    return (phase, data, at) => {
      const ways = this.#plans[phase.stateType]?.plan.ways[event];
      if (ways === undefined) return new IllegalTransition(event, phase);
      // The compiler has checked that the class has the verb, with these parameters.
      const able = phase as unknown as Record<
        string,
        (...args: unknown[]) => MachinePhase | Refusal
      >;
      const outcome = takesData ? able[verb]?.(data, at) : able[verb]?.(at);
      if (outcome === undefined) throw new TypeError(`${phase.stateType} has no ${verb}.`);
      if (outcome instanceof Refusal) {
        checkRefusal(of, outcome);
        return outcome;
      }
      const to = this.#plans[outcome.stateType];
      if (to === undefined || !(outcome.stateType in ways)) {
        const led = Object.keys(ways).join(' or ');
        throw new TypeError(
          `${event} has made ${phase.stateType} ${outcome.stateType}, where it leads to ${led}.`,
        );
      }
      checkSuccession(of, phase, outcome, to.plan);
      return outcome;
    };
  }
}
