/** The faults of events. */
import type { Declaration, EventDeclaration } from '../declaration';
import { edgesOf } from '../diagram';
import { describedFaults, settingFaults } from './columns';
import { CAMEL_CASE, PASCAL_CASE, isOnEveryObject, repeated, saysFaults } from './names';

/** The arguments that a caller gives with every event, beside its data. */
const ARGUMENTS: ReadonlySet<string> = new Set([
  ...['id', 'occurredAt', 'idempotencyKey', 'expectedVersion', 'event', 'dueAt', 'inputs'],
]);

/** The members of every phase, and `then`, with which `await` would take a phase for a promise. */
const PHASES_OWN: ReadonlySet<string> = new Set([
  ...['state', 'stateType', 'occurredAt', 'nextEvents', 'become', 'then'],
]);

/** The mutations that every machine has. */
const MUTATIONS: ReadonlySet<string> = new Set(['schedule', 'unschedule']);

export function* eventFaults(declaration: Declaration): Iterable<string> {
  const { events, initial } = declaration;
  if (!Object.hasOwn(events, initial.event)) {
    yield `its initial event is ${initial.event}, but no event has this name`;
  }
  for (const [name, event] of Object.entries(events)) {
    const place = `the event ${name}`;
    if (!PASCAL_CASE.test(name)) yield `${place} must be written like PartialPayment`;
    yield* saysFaults(place, event);
    yield* verbFaults(place, event);
    yield* momentFaults(place, name, event, declaration);
    yield* dataFaults(place, event, declaration);
    yield* settingsFaults(place, name, event, declaration);
    if (name !== initial.event) continue;
    if (event.sets !== undefined) yield `${place} begins the machine: no class computes a column`;
    if (event.refusals !== undefined) yield `${place} begins the machine: no class refuses it`;
  }
  for (const verb of repeated(Object.values(events).map((event) => event.verb))) {
    const named = Object.entries(events).filter(([, event]) => event.verb === verb);
    yield `the events ${named.map(([name]) => name).join(' and ')} share the verb ${verb}, but each needs its own`;
  }
}

function* verbFaults(place: string, { verb }: EventDeclaration): Iterable<string> {
  const of = `${place} has the verb ${verb}`;
  if (!CAMEL_CASE.test(verb)) yield `${of}, which must be written like payInParts`;
  if (PHASES_OWN.has(verb) || isOnEveryObject(verb)) {
    yield `${of}, which every phase uses for something else`;
  }
  if (MUTATIONS.has(verb)) yield `${of}, which is a mutation of every machine`;
}

function* momentFaults(
  place: string,
  name: string,
  { at }: EventDeclaration,
  { columns, initial }: Declaration,
): Iterable<string> {
  if (name === initial.event) {
    if (at !== 'createdAt') yield `${place} begins the machine, so its moment is createdAt`;
  } else if (at === 'createdAt') {
    yield `${place} has its moment at createdAt, which belongs to ${initial.event} alone`;
  } else if (columns[at]?.kind !== 'moment') {
    yield `${place} has its moment at ${at}, which is not a column of kind moment`;
  }
}

function* dataFaults(
  place: string,
  { data = {} }: EventDeclaration,
  { columns }: Declaration,
): Iterable<string> {
  for (const [name, said] of Object.entries(data)) {
    const datum = `${name} in the data of ${place}`;
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    yield* describedFaults(datum, name, said);
    if (ARGUMENTS.has(name)) yield `${datum} has the name of an argument that every event takes`;
    if (column !== undefined) yield* settingFaults(datum, said, column);
  }
}

/** The faults of the columns that an event sets. */
function* settingsFaults(
  place: string,
  event: string,
  { data = {}, sets = [] }: EventDeclaration,
  declaration: Declaration,
): Iterable<string> {
  const { columns, events, states } = declaration;
  const said = Object.keys(data).filter((name) => Object.hasOwn(columns, name));
  const moments = new Set(Object.values(events).map(({ at }) => at));
  const kept = new Set(
    edgesOf(declaration)
      .filter((edge) => edge.event === event)
      .flatMap(({ to }) => [...(states[to]?.has ?? []), ...(states[to]?.may ?? [])]),
  );
  for (const name of new Set([...said, ...sets])) {
    if (!Object.hasOwn(columns, name)) yield `${place} sets ${name}, which is not a column`;
    // When a phase last occurred is the latest of its moments, so nothing else may write them.
    else if (moments.has(name))
      yield `${place} sets ${name}, which takes nothing but the moment of an event`;
    else if (!kept.has(name))
      yield `${place} sets ${name}, but leads to no state that keeps this column`;
  }
  for (const name of repeated([...said, ...sets])) yield `${place} sets ${name} twice`;
}
