/**
 * The type of a machine's transitions, and its connection. The data of all events is one type: with a union of one type
 * for each event, a client would have to select a field again for each event that carries it.
 */
import { ID, Int } from 'type-graphql';
import type { AnyLifecycle, Column } from '../machine';
import type { Transition } from '../store/transition';
import { fieldOf } from './columns';
import type { Cursors } from './cursors';
import { DateTime } from './DateTime';
import type { Enums } from './enums';
import { type Names, words } from './names';
import { type ConnectionOf, connectionType } from './pages';
import type { PhaseTypes } from './phases';
import type { Fields, Types } from './types';
import type { ViewClass } from './View';

export type AnyTransition = Transition<AnyLifecycle>;
export type TransitionConnection = ConnectionOf<AnyTransition>;

export interface TransitionTypes {
  readonly transition: ViewClass<AnyTransition>;
  readonly connection: ViewClass<TransitionConnection>;
}

export function transitionTypesOf(
  lifecycle: AnyLifecycle,
  types: Types,
  names: Names,
  enums: Enums,
  phases: PhaseTypes,
  cursors: Cursors,
): TransitionTypes {
  const { noun } = names;
  const { initial } = lifecycle.machine.declaration;
  const transition = types.object<AnyTransition>(names.own('Transition'), {
    says: 'One recorded change, written in the same transaction as the change itself.',
    fields: {
      cursor: {
        type: () => String,
        says: 'Its place in the feed, as an opaque string.',
        of: (shown) => cursors.feed.of(shown),
      },
      event: { type: () => enums.event, says: 'What happened.', of: ({ event }) => event },
      from: {
        type: () => enums.phase,
        nullable: true,
        says: `The phase before it; null for the ${words(initial.event)}.`,
        of: ({ from }) => from,
      },
      to: {
        type: () => enums.phase,
        says: 'The phase after it.',
        of: ({ phase }) => phase.stateType,
      },
      version: {
        type: () => Int,
        says: `The version of the ${noun} that it made.`,
        of: ({ phase }) => phase.state.version,
      },
      occurredAt: {
        type: () => DateTime,
        says: 'When it happened, according to the caller.',
        of: ({ occurredAt }) => occurredAt,
      },
      recordedAt: {
        type: () => DateTime,
        says: 'When it was recorded.',
        of: ({ recordedAt }) => recordedAt,
      },
      actor: {
        type: () => String,
        nullable: true,
        says: 'The subject of the caller’s token; null if no token was needed.',
        of: ({ actor }) => actor,
      },
      [names.id]: {
        type: () => ID,
        says: `The id of the ${noun}.`,
        of: ({ phase }) => phase.state.id,
      },
      ...dataField(lifecycle, types, names),
      snapshot: {
        type: () => phases.snapshot,
        says: `The ${noun} right after it.`,
        of: ({ phase }) => new phases.snapshot(phase),
      },
      [names.field]: {
        type: () => phases.machine,
        says: `The ${noun} as it is now.`,
        ask: async ({ phase: { state } }, _asked, { machines, deadline }) => {
          const now = await machines.of(lifecycle).store.find(state.id, deadline);
          // PostgreSQL refuses to delete a machine, so this is a corrupt database.
          if (now === null) throw new Error(`The ${noun} ${state.id} of a transition is gone.`);
          return phases.viewOf(now);
        },
      },
    },
  });
  return {
    transition,
    connection: connectionType<AnyTransition>(
      types,
      {
        prefix: names.own('Transition'),
        noun: 'transition',
        aNoun: 'A transition',
        nouns: 'transitions',
      },
      () => transition,
      (each) => new transition(each),
    ),
  };
}

/** The columns of the data of all events. */
function dataColumnsOf({ machine: { name, declaration } }: AnyLifecycle): Map<string, Column> {
  const columns = new Map<string, Column>();
  for (const { data = {} } of Object.values(declaration.events)) {
    for (const [key, column] of Object.entries(data)) {
      const other = columns.get(key);
      if (other !== undefined && other.kind !== column.kind) {
        throw new TypeError(
          `Events of ${name} carry ${key} as ${other.kind} and as ${column.kind}. Rename one of them.`,
        );
      }
      columns.set(key, other ?? column);
    }
  }
  return columns;
}

/** No field if no event of the machine carries data. */
function dataField(lifecycle: AnyLifecycle, types: Types, names: Names): Fields<AnyTransition> {
  const columns = dataColumnsOf(lifecycle);
  if (columns.size === 0) return {};
  const data = types.object<Readonly<Record<string, unknown>>>(names.own('TransitionData'), {
    says: 'The data of an event. Fields that this event does not carry are null.',
    fields: Object.fromEntries(
      [...columns].map(([name, column]) => [name, fieldOf(column, true, (said) => said[name])]),
    ),
  });
  return {
    data: {
      type: () => data,
      nullable: true,
      says: 'The data of its event; null if the event carries none.',
      of: (transition) => {
        const { data: said } = transition;
        return said && new data(said);
      },
    },
  };
}
