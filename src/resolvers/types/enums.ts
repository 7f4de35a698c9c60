/** The machine's states and events as GraphQL enums, made from the machine's own list. */
import { registerEnumType } from 'type-graphql';
import {
  type LifeEvent,
  type LifeState,
  type StateOf,
  eventsOf,
  lifecycle,
  statesOf,
} from '../../machine';
import type { Order } from 'persistent-machine/operations/machinesPage';

/** What each enum value says in the schema: a new state or event does not compile until it says something. */
const stateDescriptions: Record<LifeState, string> = {
  Gestating: 'Conceived, and not born yet.',
  Alive: 'Born, and not dead yet.',
  Dead: 'Died, born or not. Nothing follows.',
};
const eventDescriptions: Record<LifeEvent, string> = {
  Conception: 'A life begins.',
  Birth: 'A gestating life is born.',
  Death: 'A life dies, be it born or not.',
};

/** GraphQL's spelling of our names: `Gestating` is GESTATING. */
function constants<Name extends string>(names: readonly Name[]): Record<Uppercase<Name>, Name> {
  // Object.fromEntries forgets which keys it was given.
  return Object.fromEntries(names.map((name) => [name.toUpperCase(), name])) as Record<
    Uppercase<Name>,
    Name
  >;
}

function descriptions<Name extends string>(
  texts: Record<Name, string>,
): Record<string, { description: string }> {
  return Object.fromEntries(
    Object.entries<string>(texts).map(([name, text]) => [
      name.toUpperCase(),
      { description: text },
    ]),
  );
}

export const PhaseEnum = constants<StateOf<typeof lifecycle>>(statesOf(lifecycle));
registerEnumType(PhaseEnum, {
  name: 'Phase',
  description: 'Where a life is in its lifecycle.',
  valuesConfig: descriptions(stateDescriptions),
});

export const LifeEventEnum = constants<LifeEvent>(eventsOf(lifecycle));
registerEnumType(LifeEventEnum, {
  name: 'LifeEvent',
  description: 'What can happen to a life.',
  valuesConfig: descriptions(eventDescriptions),
});

export const LifeOrderEnum: Record<string, Order> = {
  OLDEST_FIRST: 'oldestFirst',
  NEWEST_FIRST: 'newestFirst',
};
registerEnumType(LifeOrderEnum, {
  name: 'LifeOrder',
  description: 'The order of lives: by when they were conceived.',
  valuesConfig: {
    OLDEST_FIRST: { description: 'By `createdAt`, then `id`.' },
    NEWEST_FIRST: { description: 'The other way round.' },
  },
});
