/** What events must not be. */
import type { Declaration, EventDeclaration } from '../declaration';
import { Refusal } from '../refusals';
import { describedFaults, settingFaults } from './columns';
import { CAMEL_CASE, PASCAL_CASE, isOnEveryObject, repeated, saysFaults } from './names';

/** What whoever asks for an event says beside its data. */
const ARGUMENTS: ReadonlySet<string> = new Set([
  ...['id', 'occurredAt', 'idempotencyKey', 'expectedVersion', 'event', 'dueAt', 'inputs'],
]);

/** What a phase has beside its verbs; and `then`, which would make a promise of it. */
const PHASES_OWN: ReadonlySet<string> = new Set([
  ...['state', 'stateType', 'occurredAt', 'nextEvents', 'become', 'then'],
]);

export function* eventFaults(declaration: Declaration): Iterable<string> {
  const { events, initial } = declaration;
  if (!Object.hasOwn(events, initial.event)) {
    yield `${initial.event} is to begin it, and no event is called so`;
  }
  for (const [name, event] of Object.entries(events)) {
    const place = `the event ${name}`;
    if (!PASCAL_CASE.test(name)) yield `${place} must be written like PartialPayment`;
    yield* saysFaults(place, event);
    yield* verbFaults(place, event);
    yield* momentFaults(place, name, event, declaration);
    yield* dataFaults(place, event, declaration);
    yield* refusalFaults(place, event);
    if (name === initial.event && (event.sets ?? event.refusals) !== undefined) {
      yield `${place} begins the machine, before there is a class that could compute or refuse`;
    }
  }
  for (const verb of repeated(Object.values(events).map((event) => event.verb))) {
    const named = Object.entries(events).filter(([, event]) => event.verb === verb);
    yield `the verb ${verb} is that of ${named.map(([name]) => name).join(' and ')}: each needs its own`;
  }
}

function* verbFaults(place: string, { verb }: EventDeclaration): Iterable<string> {
  if (!CAMEL_CASE.test(verb))
    yield `${place} has the verb ${verb}, which must be written like payInParts`;
  if (PHASES_OWN.has(verb) || isOnEveryObject(verb)) {
    yield `${place} has the verb ${verb}, which is something else on every phase`;
  }
}

function* momentFaults(
  place: string,
  name: string,
  { at }: EventDeclaration,
  { columns, initial }: Declaration,
): Iterable<string> {
  if ((at === 'createdAt') !== (name === initial.event)) {
    yield name === initial.event
      ? `${place} begins the machine, so its moment is createdAt`
      : `${place} has its moment at createdAt, which is that of ${initial.event} alone`;
  } else if (at !== 'createdAt' && columns[at]?.kind !== 'moment') {
    yield `${place} has its moment at ${at}, which is no column of kind moment`;
  }
}

function* dataFaults(
  place: string,
  { data = {}, sets = [] }: EventDeclaration,
  { columns, events }: Declaration,
): Iterable<string> {
  const taken = new Set(Object.values(events).map(({ at }) => at));
  for (const [name, said] of Object.entries(data)) {
    const datum = `${place}, its ${name}`;
    const column = columns[name];
    yield* describedFaults(datum, name, said);
    if (ARGUMENTS.has(name)) yield `${datum} has the name of what is said with every event`;
    if (column !== undefined && Object.hasOwn(columns, name))
      yield* settingFaults(datum, said, column);
  }
  for (const name of [...Object.keys(data), ...sets]) {
    // Else a phase could have occurred later than its last transition, or before the one that it follows.
    if (taken.has(name)) yield `${place} sets ${name}, which takes the moment of an event alone`;
  }
  for (const name of sets.filter((column) => !Object.hasOwn(columns, column))) {
    yield `${place} sets ${name}, which is no column`;
  }
  for (const name of repeated([...Object.keys(data), ...sets])) yield `${place} sets ${name} twice`;
}

function* refusalFaults(place: string, { refusals = [] }: EventDeclaration): Iterable<string> {
  for (const refusal of refusals) {
    const of = `${place}, its refusal ${refusal.name}`;
    if (!(refusal.prototype instanceof Refusal)) yield `${of} does not extend Refusal`;
    if (!PASCAL_CASE.test(refusal.name)) yield `${of} must be written like CardExpired`;
    yield* saysFaults(of, refusal);
    for (const [name, field] of Object.entries(refusal.fields)) {
      yield* describedFaults(`${of}, its field ${name}`, name, field);
      if (name === 'message') yield `${of} declares message, which every refusal has`;
    }
  }
  for (const name of repeated(refusals.map((refusal) => refusal.name))) {
    yield `${place} lists the refusal ${name} twice`;
  }
}
