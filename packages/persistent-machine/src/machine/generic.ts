/** The types by which what is generic in machines reads one: of any lifecycle L, and of its event E. */
import type { AnyClasses, Outcome, PhaseOf } from './classes';
import type { Declaration } from './declaration';
import type { Edge } from './diagram';
import type { Moment } from './guard';
import type {
  AnyRecordOf,
  Data,
  EventOf,
  InitialEventOf,
  StateOf,
  TransitionEventOf,
} from './reading';
import type { MachinePhase, MachineRecord } from './record';
import type { Refusal } from './refusals';

/** A machine of which nothing is known but that it is one. */
export interface AnyMachine {
  readonly name: string;
  readonly plural: string;
  readonly bare: boolean;
  readonly declaration: Declaration;
}

/** A lifecycle of which nothing is known but that it is one. */
export interface AnyLifecycle {
  readonly machine: AnyMachine;
  readonly classes: AnyClasses;
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly edges: readonly Edge[];
  phaseOf(record: MachineRecord): MachinePhase;
  begin(id: string, data: object, now: Date): MachinePhase;
  step(event: string): AnyStep;
  nextEvents(state: string): readonly string[];
  sets(event: string): readonly string[];
  mermaid(): string;
}

/**
 * A step of which nothing is known but that it is one. It takes any phase, as far as the compiler goes: a method's
 * parameters are compared both ways, which lets the step of one machine be one of these.
 */
export type AnyStep = {
  step(phase: MachinePhase, data: object, at: Moment): MachinePhase | Refusal;
}['step'];

type DeclarationOf<L extends AnyLifecycle> = L['machine']['declaration'];

export type StateIn<L extends AnyLifecycle> = StateOf<DeclarationOf<L>>;
/** The phase of state S; without S, the union of all. */
export type PhaseIn<L extends AnyLifecycle, S extends StateIn<L> = StateIn<L>> = PhaseOf<
  L['classes'],
  S
>;
export type EventIn<L extends AnyLifecycle> = EventOf<DeclarationOf<L>>;
/** The event that begins a machine. */
export type InitialEventIn<L extends AnyLifecycle> = InitialEventOf<DeclarationOf<L>>;
/** The events that may be asked for: all but the one that begins a machine. */
export type TransitionEventIn<L extends AnyLifecycle> = TransitionEventOf<DeclarationOf<L>>;
/** The record in any state, its own columns nullable. */
export type RecordOf<L extends AnyLifecycle> = AnyRecordOf<DeclarationOf<L>>;
/** What a caller says with E; nothing where E carries nothing. */
export type DataOf<L extends AnyLifecycle, E extends EventIn<L>> = Data<DeclarationOf<L>, E>;
/** What comes of asking for E: the phases that it leads to, and the refusals that it may meet. */
export type OutcomeOf<L extends AnyLifecycle, E extends EventIn<L>> = Outcome<
  DeclarationOf<L>,
  L['classes'],
  E
>;
