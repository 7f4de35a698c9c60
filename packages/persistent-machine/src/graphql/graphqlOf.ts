/** From a lifecycle to everything of GraphQL that follows from it, made once. */
import type { ClassType } from 'type-graphql';
import type {
  AnyLifecycle,
  DataOf,
  EventIn,
  InitialEventIn,
  StateIn,
  TransitionEventIn,
} from '../machine';
import type { AskedBeginning, AskedTransition } from './arguments';
import { censusTypeOf } from './census';
import type { Context } from './context';
import { cursorsOf } from './cursors';
import { enumsOf } from './enums';
import { Mutations } from './mutations';
import { type Names, namesOf } from './names';
import { phaseTypesOf } from './phases';
import { readingOf } from './reading';
import { refusalsOf } from './refusals';
import type { ResolverClass } from './roots';
import { stateMachineOf } from './stateMachine';
import { type TransitionTypes, transitionTypesOf } from './transitions';
import { Types } from './types';
import type { View } from './View';

/** What an event carries, without the index signature that an empty list of it has. */
type Carried<Data> = { readonly [K in keyof Data as string extends K ? never : K]: Data[K] };

/** What the mutation of event E is asked with. */
export type Asked<L extends AnyLifecycle, E extends EventIn<L>> = Carried<DataOf<L, E>> &
  (E extends InitialEventIn<L> ? AskedBeginning : AskedTransition);

/** A machine in GraphQL: what a resolver that is written by hand needs of it. */
export interface MachineInGraphQL<L extends AnyLifecycle> {
  readonly names: Names;
  /** The object type of a state. */
  stateOf(state: StateIn<L>): ClassType;
  /** The class of the arguments that an event's mutation takes. */
  argumentsOf(event: EventIn<L>): ClassType;
  /** The type of what an event's mutation answers. */
  resultOf(event: EventIn<L>): ClassType | symbol;
  /** Begins a machine, and answers the view of its first phase. */
  begin(asked: Asked<L, InitialEventIn<L>>, context: Context): Promise<object>;
  /** Asks for an event, and answers the view of the phase that it led to, or of the refusal. */
  transition<E extends TransitionEventIn<L>>(
    event: E,
    asked: Asked<L, E>,
    context: Context,
  ): Promise<object>;
  /** The view of a phase, of the object type of its state. */
  viewOf(phase: ReturnType<L['phaseOf']>): View<unknown>;
  /** The types of the schema that are this machine's, by their names. */
  readonly types: Types['byName'];
  /** A resolver class for each field of a root type. */
  readonly resolvers: readonly ResolverClass[];
}

/** By lifecycle; what is here was made for this very one, and so has its types. */
const made = new WeakMap<AnyLifecycle, unknown>();

/**
 * @returns the same for the same lifecycle, since type-graphql keeps all that it is told
 * @throws TypeError where two things of the machine would have one name
 */
export function graphqlOf<L extends AnyLifecycle>(lifecycle: L): MachineInGraphQL<L> {
  const known = made.get(lifecycle) as MachineInGraphQL<L> | undefined;
  if (known) return known;
  const machine = make(lifecycle);
  made.set(lifecycle, machine);
  return machine;
}

function make(lifecycle: AnyLifecycle): MachineInGraphQL<AnyLifecycle> {
  const types = new Types();
  const names = namesOf(lifecycle.machine);
  const cursors = cursorsOf(names);
  const enums = enumsOf(lifecycle, names, types);
  const phases = phaseTypesOf(
    lifecycle,
    types,
    names,
    enums,
    cursors,
    () => transitions.connection,
  );
  const transitions: TransitionTypes = transitionTypesOf(
    lifecycle,
    types,
    names,
    enums,
    phases,
    cursors,
  );
  const refusals = refusalsOf(lifecycle, types, names, enums, phases);
  const mutations = new Mutations(lifecycle, types, names, phases, refusals);
  const census = censusTypeOf(lifecycle, types, names, cursors);
  const machine = stateMachineOf(lifecycle, types, names, enums);
  const reading = readingOf({
    ...{ lifecycle, types, names, enums, cursors },
    ...{ phases, transitions, census, machine },
  });
  return {
    names,
    stateOf: (state) => phases.stateOf(state),
    argumentsOf: (event) => mutations.asking(event).arguments,
    resultOf: (event) => mutations.asking(event).result,
    begin: (asked, context) => mutations.begin(asked, context),
    // Of no event is more known than that it is asked with these.
    transition: (event, asked, context) =>
      mutations.transition(event, asked as AskedTransition, context),
    viewOf: phases.viewOf,
    types: types.byName,
    resolvers: [...reading, ...mutations.resolvers],
  };
}
