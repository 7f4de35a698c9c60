/** The types with which generic code reads any lifecycle L, and the types of its events and phases. */
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

/** Any machine. */
export interface AnyMachine {
  readonly name: string;
  readonly plural: string;
  readonly bare: boolean;
  readonly declaration: Declaration;
}

/** Any lifecycle. */
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
 * Any step. It is written as a method because the compiler compares the parameters of methods both ways, so that the
 * step of one machine, which takes only its own phases, is assignable.
 */
export type AnyStep = {
  step(phase: MachinePhase, data: object, at: Moment): MachinePhase | Refusal;
}['step'];

type DeclarationOf<L extends AnyLifecycle> = L['machine']['declaration'];

export type StateIn<L extends AnyLifecycle> = StateOf<DeclarationOf<L>>;
/** The phase of state S. Without S, the union of all phases. */
export type PhaseIn<L extends AnyLifecycle, S extends StateIn<L> = StateIn<L>> = PhaseOf<
  L['classes'],
  S
>;
export type EventIn<L extends AnyLifecycle> = EventOf<DeclarationOf<L>>;
/** The event that begins a machine. */
export type InitialEventIn<L extends AnyLifecycle> = InitialEventOf<DeclarationOf<L>>;
/** All events but the one that begins a machine. */
export type TransitionEventIn<L extends AnyLifecycle> = TransitionEventOf<DeclarationOf<L>>;
/** The record in any state: its own columns are nullable. */
export type RecordOf<L extends AnyLifecycle> = AnyRecordOf<DeclarationOf<L>>;
/** The data of E, for the class of a state: `pay(data: EventData<typeof order, 'Payment'>, at: Moment)`. */
export type EventData<M extends AnyMachine, E extends EventOf<M['declaration']>> = Data<
  M['declaration'],
  E
>;
/** The data of E. */
export type DataOf<L extends AnyLifecycle, E extends EventIn<L>> = Data<DeclarationOf<L>, E>;
/** What a phase can answer to E: the phases that E leads to, and the refusals. */
export type OutcomeOf<L extends AnyLifecycle, E extends EventIn<L>> = Outcome<
  DeclarationOf<L>,
  L['classes'],
  E
>;
