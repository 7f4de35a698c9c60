/** The faults of states. */
import type { Declaration, StateDeclaration } from '../declaration';
import { edgesOf } from '../diagram';
import { targetsOf } from '../plan';
import { PASCAL_CASE, repeated, saysFaults } from './names';

export function* stateFaults(declaration: Declaration): Iterable<string> {
  const { events, initial, states } = declaration;
  if (!Object.hasOwn(states, initial.to)) {
    yield `its initial state is ${initial.to}, but no state has this name`;
    return;
  }
  for (const [name, state] of Object.entries(states)) {
    const place = `the state ${name}`;
    if (!PASCAL_CASE.test(name)) yield `${place} must be written like PartlyPaid`;
    yield* saysFaults(place, state);
    yield* holdingFaults(place, state, declaration);
    yield* acceptedFaults(place, state, declaration);
  }
  yield* beginningFaults(declaration);
  const reached = reachable(declaration);
  for (const name of Object.keys(states).filter((state) => !reached.has(state))) {
    yield `the state ${name} is never reached from ${initial.to}`;
  }
  const accepted = new Set(edgesOf(declaration).map(({ event }) => event));
  for (const name of Object.keys(events).filter((event) => !accepted.has(event))) {
    yield `the event ${name} is accepted by no state`;
  }
}

function* holdingFaults(
  place: string,
  { has = [], may = [] }: StateDeclaration,
  { columns }: Declaration,
): Iterable<string> {
  for (const name of [...has, ...may]) {
    if (!Object.hasOwn(columns, name)) yield `${place} has ${name}, which is not a column`;
  }
  for (const name of repeated([...has, ...may])) yield `${place} names ${name} twice`;
}

function* acceptedFaults(
  place: string,
  { has = [], accepts = {} }: StateDeclaration,
  { events, initial, states }: Declaration,
): Iterable<string> {
  for (const [name, accepted] of Object.entries(accepts)) {
    const event = Object.hasOwn(events, name) ? events[name] : undefined;
    const targets = targetsOf(accepted);
    if (event === undefined) {
      yield `${place} accepts ${name}, but no event has this name`;
      continue;
    }
    if (name === initial.event) yield `${place} accepts ${name}, which begins the machine`;
    if (targets.length === 0) yield `${place} accepts ${name}, which leads to no state`;
    for (const to of repeated(targets)) yield `${place}: ${name} leads to ${to} twice`;
    for (const to of targets) {
      const target = Object.hasOwn(states, to) ? states[to] : undefined;
      if (target === undefined) {
        yield `${place}: ${name} leads to ${to}, but no state has this name`;
        continue;
      }
      const { has: hasThere = [], may: mayThere = [] } = target;
      if (![...hasThere, ...mayThere, 'createdAt'].includes(event.at)) {
        yield `${place}: ${name} leads to ${to}, which neither has nor may have ${event.at}, the column of its moment`;
      }
      const given = [...has, event.at, ...Object.keys(event.data ?? {}), ...(event.sets ?? [])];
      for (const column of hasThere.filter((there) => !given.includes(there))) {
        yield `${place}: ${name} leads to ${to}, which has ${column}: this state may lack it, and ${name} does not set it`;
      }
    }
  }
}

function* beginningFaults({ events, initial, states }: Declaration): Iterable<string> {
  const said = Object.keys(events[initial.event]?.data ?? {});
  for (const column of (states[initial.to]?.has ?? []).filter((name) => !said.includes(name))) {
    yield `the state ${initial.to} has ${column}, which must be in the data of ${initial.event}`;
  }
}

/** The states that can be reached from the initial one. */
function reachable(declaration: Declaration): ReadonlySet<string> {
  const edges = edgesOf(declaration);
  const reached = new Set([declaration.initial.to]);
  // A loop over a set also visits what is added to the set meanwhile.
  for (const state of reached) {
    for (const { from, to } of edges) if (from === state) reached.add(to);
  }
  return reached;
}
