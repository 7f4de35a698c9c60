/** Courses through the machine, derived from its list, and lives that have taken them over the API. */
import { type LifeState, life, lives, type LifeEvent } from '../../src/machine';
import { dataOf } from './client';

/** An event that has a mutation with an id: any event but the conception. */
export type Step = Exclude<LifeEvent, typeof life.declaration.initial.event>;

/** A course from the initial state: the events, and the state after each. */
export type Way = readonly { readonly event: Step; readonly to: LifeState }[];

/** Each course to `state`, or if that is undefined, each course to a final state. No course takes an arrow twice. */
export function waysTo(
  state?: LifeState,
  from: LifeState = life.declaration.initial.to,
  arrows = lives.edges,
): Way[] {
  const here = state === undefined ? lives.nextEvents(from).length === 0 : state === from;
  const onward = arrows
    .filter((arrow) => arrow.from === from)
    .flatMap((arrow) => {
      const others = arrows.filter((other) => other !== arrow);
      // Only the initial edge has the initial event. No state precedes it.
      const step = { event: arrow.event as Step, to: arrow.to };
      return waysTo(state, arrow.to, others).map((way) => [step, ...way]);
    });
  return [...(here ? [[]] : []), ...onward];
}

/** A state or an event, as GraphQL spells it. */
export function constant(name: string): string {
  return name.toUpperCase();
}

/** The mutation of an event for `$id`, with this selection. */
export function mutationOf(event: Step, selection: string): string {
  return `mutation ($id: ID!, $occurredAt: DateTime) {
    outcome: ${life.declaration.events[event].verb}(id: $id, occurredAt: $occurredAt) { ${selection} }
  }`;
}

/** @returns the id of a new life that has taken the shortest course to `state` */
export async function livingIn(
  server: { readonly url: string },
  state: LifeState,
): Promise<string> {
  const { life } = await dataOf(server, 'mutation { life: conceive { id } }');
  const [shortest = []] = waysTo(state).sort((one, other) => one.length - other.length);
  for (const { event, to } of shortest) {
    const { outcome } = await dataOf(server, mutationOf(event, '__typename'), life);
    expect(outcome).toEqual({ __typename: to });
  }
  return life.id;
}
