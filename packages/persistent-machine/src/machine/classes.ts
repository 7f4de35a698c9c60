/** What the classes of a machine's phases must be: one for each state, with the verbs that its state accepts. */
import type {
  AcceptedIn,
  Arguments,
  Declaration,
  EventOf,
  RecordIn,
  RefusalOf,
  StateOf,
  Target,
  Verb,
} from './declaration';
import type { Moment } from './guard';
import type { Phase } from './phase';
import type { MachinePhase } from './record';
import type { IllegalTransition, OccurredAtOutOfRange } from './refusals';

export type Classes<D extends Declaration> = {
  readonly [S in StateOf<D>]: new (state: RecordIn<D, S>) => Phase<D, S>;
};

type InState<D extends Declaration, S> = S extends StateOf<D> ? Phase<D, S> : never;

/** The verbs that the class of S must have, each leading to what the declaration says. */
export type Verbs<D extends Declaration, S extends StateOf<D>> = {
  readonly [E in AcceptedIn<D, S> as Verb<D, E>]: (
    ...args: Arguments<D, E, Moment<E>>
  ) => InState<D, Target<D, S, E>> | RefusalOf<D, E> | OccurredAtOutOfRange;
};

export type CheckedClasses<D extends Declaration> = {
  readonly [S in StateOf<D>]: new (state: RecordIn<D, S>) => Phase<D, S> & Verbs<D, S>;
};

/** Classes of phases of which nothing is known but their names. */
export type AnyClasses = Readonly<Record<string, new (state: never) => MachinePhase>>;

/** The phase of state S; of several, the union of their phases, told apart by `stateType`. */
export type PhaseOf<C extends AnyClasses, S> = S extends keyof C ? InstanceType<C[S]> : never;

/** What comes of asking for E in any phase. */
export type Outcome<D extends Declaration, C extends AnyClasses, E extends EventOf<D>> =
  | PhaseOf<C, Target<D, StateOf<D>, E>>
  | RefusalOf<D, E>
  | IllegalTransition<PhaseOf<C, StateOf<D>>, E>
  | OccurredAtOutOfRange;
