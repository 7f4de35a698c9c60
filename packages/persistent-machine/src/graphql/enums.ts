/** The enums of a machine: its states, its events, and the orders of its list. */
import type { AnyLifecycle } from '../machine';
import { type Names, constant } from './names';
import type { Types } from './types';

export type Enum = Readonly<Record<string, string>>;

export interface Enums {
  readonly phase: Enum;
  readonly event: Enum;
  readonly order: Enum;
}

export function enumsOf(
  { states, events, machine: { declaration } }: AnyLifecycle,
  { noun, nouns, aNoun, own, type }: Names,
  types: Types,
): Enums {
  return {
    phase: types.enum(
      type('Phase'),
      `Where ${aNoun} is in its lifecycle.`,
      constants(states, declaration.states),
    ),
    event: types.enum(
      own('Event'),
      `What can happen to ${aNoun}.`,
      constants(events, declaration.events),
    ),
    order: types.enum(own('Order'), `The order of ${nouns}: by when each ${noun} began.`, {
      OLDEST_FIRST: { value: 'oldestFirst', says: 'By `createdAt`, then `id`.' },
      NEWEST_FIRST: { value: 'newestFirst', says: 'The reverse.' },
    }),
  };
}

function constants(
  names: readonly string[],
  declared: Readonly<Record<string, { readonly says: string }>>,
): Record<string, { value: string; says: string }> {
  const values: Record<string, { value: string; says: string }> = {};
  for (const name of names) {
    const key = constant(name);
    const other = values[key]?.value;
    if (other !== undefined) {
      throw new TypeError(
        `${other} and ${name} would both be ${key} in the schema. Rename one of them.`,
      );
    }
    values[key] = { value: name, says: declared[name]?.says ?? name };
  }
  return values;
}
