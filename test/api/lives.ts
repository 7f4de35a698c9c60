/** Ways through the machine, derived from its own list, and lives that have gone them over the API. */
import { type LifeState, life, lives, type LifeEvent } from '../../src/machine';
import { dataOf } from './client';

/** An event that a mutation makes: any but the conception. */
export type Step = Exclude<LifeEvent, typeof life.declaration.initial.event>;

/** A way from the initial state: what happened, and where each step led. */
export type Way = readonly { readonly event: Step; readonly to: LifeState }[];

/** Each way to `state`, and where that is undefined, each way to an end; none goes by one arrow twice. */
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
      // Only the initial edge, which has no state before it, is by the initial event.
      const step = { event: arrow.event as Step, to: arrow.to };
      return waysTo(state, arrow.to, others).map((way) => [step, ...way]);
    });
  return [...(here ? [[]] : []), ...onward];
}

/** As GraphQL spells a state or an event. */
export function constant(name: string): string {
  return name.toUpperCase();
}

/** The mutation that makes an event happen to `$id`, and what it selects. */
export function mutationOf(event: Step, selection: string): string {
  return `mutation ($id: ID!, $occurredAt: DateTime) {
    outcome: ${life.declaration.events[event].verb}(id: $id, occurredAt: $occurredAt) { ${selection} }
  }`;
}

/** @returns the id of a new life that has gone the shortest way to `state` */
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
