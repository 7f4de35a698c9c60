/** Derives the types, fields and resolvers of a lifecycle in GraphQL, once. Knows no other machine of the schema. */
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

/** The data of an event, without the index signature that the type of an empty declaration has. */
type Carried<Data> = { readonly [K in keyof Data as string extends K ? never : K]: Data[K] };

/** The arguments of the mutation for event E. */
export type Asked<L extends AnyLifecycle, E extends EventIn<L>> = Carried<DataOf<L, E>> &
  (E extends InitialEventIn<L> ? AskedBeginning : AskedTransition);

/** A machine in GraphQL, as a handwritten resolver uses it. */
export interface MachineInGraphQL<L extends AnyLifecycle> {
  readonly names: Names;
  /** The object type of a state. */
  stateOf(state: StateIn<L>): ClassType;
  /** The class of the arguments of an event's mutation. */
  argumentsOf(event: EventIn<L>): ClassType;
  /** The type of the result of an event's mutation. */
  resultOf(event: EventIn<L>): ClassType | symbol;
  /** Begins a machine, and returns the view of its first phase. */
  begin(asked: Asked<L, InitialEventIn<L>>, context: Context): Promise<object>;
  /** Asks for an event, and returns the view of the new phase, or of the refusal. */
  transition<E extends TransitionEventIn<L>>(
    event: E,
    asked: Asked<L, E>,
    context: Context,
  ): Promise<object>;
  /** The view of a phase, an instance of the object type of its state. */
  viewOf(phase: ReturnType<L['phaseOf']>): View<unknown>;
  /** This machine's own types of the schema, by their names. */
  readonly types: Types['byName'];
  /** One resolver class for each root field. */
  readonly resolvers: readonly ResolverClass[];
}

/** The value under a lifecycle was made from that lifecycle, so `graphqlOf` may restore its type. */
const made = new WeakMap<AnyLifecycle, unknown>();

/**
 * @returns the same object for the same lifecycle, because type-graphql registers types globally and for good
 * @throws TypeError if two types of the machine would have one name
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
    argumentsOf: (event) => mutations.of(event).arguments,
    resultOf: (event) => mutations.of(event).result,
    begin: (asked, context) => mutations.begin(asked, context),
    // Without the lifecycle's types, the arguments are known only as those of some transition.
    transition: (event, asked, context) =>
      mutations.transition(event, asked as AskedTransition, context),
    viewOf: phases.viewOf,
    types: types.byName,
    resolvers: [...reading, ...mutations.resolvers],
  };
}
