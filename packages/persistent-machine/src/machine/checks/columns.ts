/** The faults of columns, and of the data of events and fields of refusals, which are declared like columns. */
import type { Column } from '../columns';
import type { Declaration } from '../declaration';
import { CAMEL_CASE, isOnEveryObject, saysFaults } from './names';

/** The names that the engine uses in the tables and in the GraphQL types of every machine. */
const ENGINES_OWN: ReadonlySet<string> = new Set([
  ...['id', 'version', 'stateType', 'createdAt', 'updatedAt', 'partition'],
  ...['previousVersion', 'event', 'fromStateType', 'occurredAt', 'recordedAt', 'position'],
  ...['actor', 'idempotencyKey', 'token', 'data'],
  ...['phase', 'nextEvents', 'history', 'snapshot', 'scheduled'],
]);

const LARGEST_INT = 2_147_483_647;

export function* columnFaults(
  machine: string,
  { columns, events, states }: Declaration,
): Iterable<string> {
  const ownId = `${machine.charAt(0).toLowerCase()}${machine.slice(1)}Id`;
  const kept = new Set(Object.values(states).flatMap(({ has = [], may = [] }) => [...has, ...may]));
  const set = new Set(
    Object.values(events).flatMap(({ at, data = {}, sets = [] }) => [
      at,
      ...sets,
      ...Object.keys(data),
    ]),
  );
  for (const [name, column] of Object.entries(columns)) {
    const place = `the column ${name}`;
    yield* describedFaults(place, name, column);
    if (ENGINES_OWN.has(name) || name === ownId) {
      yield `${place} has a name that the engine uses for every machine`;
    }
    if (!kept.has(name)) yield `${place} is always null: no state has it, or may have it`;
    if (!set.has(name)) yield `${place} is set by no event`;
  }
}

/** The faults of one column, datum or field. */
export function* describedFaults(place: string, name: string, column: Column): Iterable<string> {
  if (!CAMEL_CASE.test(name)) yield `${place} must be written like paidCents`;
  if (isOnEveryObject(name)) yield `${place} has the name of a property that every object has`;
  yield* saysFaults(place, column);
  const { min, max } = boundsOf(column);
  const [least, most] = column.kind === 'int' ? [-LARGEST_INT - 1, LARGEST_INT] : [0, LARGEST_INT];
  for (const [rule, bound] of Object.entries({ min, max })) {
    if (bound !== undefined && !(Number.isInteger(bound) && bound >= least && bound <= most)) {
      yield `${place} has the ${rule} ${bound}, which is not a whole number from ${least} to ${most}`;
    }
  }
  if (min !== undefined && max !== undefined && min > max) {
    yield `${place} has a min above its max`;
  }
  if (patternOf(column)?.global === true || patternOf(column)?.sticky === true) {
    yield `${place} has a pattern that remembers its last match: remove its flags g and y`;
  }
}

/** The faults of a datum that sets a column: its rules must be at least as strict as those of the column. */
export function* settingFaults(place: string, said: Column, column: Column): Iterable<string> {
  if (said.kind !== column.kind) {
    yield `${place} is of kind ${said.kind}, but the column of this name is of kind ${column.kind}`;
    return;
  }
  const { min = -Infinity, max = Infinity } = boundsOf(said);
  const bounds = boundsOf(column);
  const pattern = patternOf(column);
  if (
    min < (bounds.min ?? -Infinity) ||
    max > (bounds.max ?? Infinity) ||
    (pattern !== undefined && String(pattern) !== String(patternOf(said)))
  ) {
    yield `${place} has looser rules than the column of this name, which it sets`;
  }
}

function boundsOf(column: Column): {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
} {
  return column.kind === 'text' || column.kind === 'int' ? column : {};
}

function patternOf(column: Column): RegExp | undefined {
  return column.kind === 'text' ? column.pattern : undefined;
}
