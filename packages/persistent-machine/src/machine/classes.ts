/** The compile-time rules for the classes of phases: one for each state, with the verbs of its events. */
import type { Outline } from './declaration';
import type { Moment } from './guard';
import type { Phase } from './phase';
import type {
  AcceptedIn,
  Arguments,
  EventOf,
  OrElse,
  RecordIn,
  RefusalOf,
  StateOf,
  Target,
  TransitionEventOf,
  Verb,
} from './reading';
import type { MachinePhase } from './record';
import type { IllegalTransition, OccurredAtOutOfRange, Refusal } from './refusals';

/** The classes of any machine's phases, by the names of their states. */
export type AnyClasses = Readonly<Record<string, new (state: never) => MachinePhase>>;

/** The phase of state S; of several, the union of their phases, told apart by `stateType`. */
export type PhaseOf<C, S> = S extends keyof C
  ? C[S] extends (new (state: never) => infer P extends MachinePhase)
    ? P
    : never
  : never;

/** What a phase of any state can answer to E. */
export type Outcome<D extends Outline, C, E extends EventOf<D>> =
  | PhaseOf<C, Target<D, StateOf<D>, E>>
  | RefusalOf<D, E>
  | IllegalTransition<PhaseOf<C, StateOf<D>>, E>
  | OccurredAtOutOfRange;

/** The classes as they should be. C extends this type if nothing is wrong. */
export type CheckedClasses<D extends Outline, C> = {
  readonly [S in StateOf<D>]: S extends keyof C ? ClassRule<D, C, S> : ClassOf<D, S>;
} & Readonly<Record<Exclude<keyof C, StateOf<D>>, 'no state has this name'>>;

type ClassOf<D extends Outline, S extends StateOf<D>> = new (state: RecordIn<D, S>) => Phase<D, S>;

type ClassRule<D extends Outline, C, S extends StateOf<D> & keyof C> =
  C[S] extends ClassOf<D, S> ? OrElse<VerbFaults<D, C, S>, C[S]> : ClassOf<D, S>;

/** What is wrong with the methods of the class of S, in sentences. */
type VerbFaults<D extends Outline, C, S extends StateOf<D> & keyof C> = {
  [E in TransitionEventOf<D>]: E extends AcceptedIn<D, S>
    ? VerbFault<D, C, S, E, Verb<D, E>>
    : Verb<D, E> extends keyof PhaseOf<C, S>
      ? `${S} does not accept ${E}, but has ${Verb<D, E>}`
      : never;
}[TransitionEventOf<D>];

type VerbFault<D extends Outline, C, S extends StateOf<D>, E extends string, V extends string> =
  PhaseOf<C, S> extends Readonly<Record<V, infer Method>>
    ? Method extends (...args: Arguments<D, E, Moment<E>>) => infer Outcome
      ? OutcomeFault<`${S}.${V}`, Exclude<Outcome, Allowed<D, C, S, E>>, D, S, E>
      : `${S}.${V} does not take what ${E} carries`
    : `${S} accepts ${E}, but lacks ${V}`;

type Allowed<D extends Outline, C, S, E> =
  Leading<D, C, Target<D, S, E>> | RefusalOf<D, E> | OccurredAtOutOfRange;

/** The phase of T. If its class is missing, any phase of T will do: another message reports the missing class. */
type Leading<D extends Outline, C, T> = T extends keyof C
  ? PhaseOf<C, T>
  : T extends StateOf<D>
    ? Phase<D, T>
    : never;

/** The sentence for a method that returns something which is not allowed. */
type OutcomeFault<Method extends string, Wrong, D extends Outline, S, E extends string> = [
  Wrong,
] extends [never]
  ? never
  : [Wrong] extends [Refusal]
    ? `${Method} returns a refusal that ${E} does not list`
    : `${Method} does not return ${Target<D, S, E>}, which ${E} leads to`;
