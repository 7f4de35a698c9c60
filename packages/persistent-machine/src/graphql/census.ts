/** The type of a machine's census, a view of its ledger. Knows no database. */
import { Int } from 'type-graphql';
import type { AnyLifecycle } from '../machine';
import type { Census } from '../operations/census';
import type { Cursors } from './cursors';
import { type Names, uncapitalized, words } from './names';
import type { Fields, Types } from './types';
import type { ViewClass } from './View';

export function censusTypeOf(
  { states }: AnyLifecycle,
  types: Types,
  names: Names,
  cursors: Cursors,
): ViewClass<Census> {
  const counts: Fields<Census> = Object.fromEntries(
    states.map((state) => [
      fieldOfState(state),
      {
        type: () => Int,
        says: `How many are ${words(state)}.`,
        of: (census: Census) => census.counts[state] ?? 0,
      },
    ]),
  );
  return types.object<Census>(names.type('Census'), {
    says: `How many ${names.nouns} are in each phase. Its cost does not grow with their number.`,
    fields: {
      ...counts,
      total: {
        type: () => Int,
        says: 'How many there are in all.',
        of: (census) => states.reduce((sum, state) => sum + (census.counts[state] ?? 0), 0),
      },
      cursor: {
        type: () => String,
        says: 'The cursor of the last transition that is counted. The feed after this cursor has the others.',
        of: (census) => cursors.feed.of(census),
      },
    },
  });
}

function fieldOfState(state: string): string {
  const field = uncapitalized(state);
  if (field === 'total' || field === 'cursor') {
    throw new TypeError(`The census already has a field ${field}. Rename the state ${state}.`);
  }
  return field;
}
