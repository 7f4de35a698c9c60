/**
 * The interface of a machine, and the object types of its states: views of a phase, with no rules of their own. The
 * interface has all columns as nullable fields. The type of a state makes those non-null that the state always has.
 */
import { ID, Int } from 'type-graphql';
import type { AnyLifecycle, MachinePhase } from '../machine';
import {
  type AskedPage,
  type AskedPast,
  PageArguments,
  SnapshotArguments,
  pageRequest,
  pastOf,
} from './arguments';
import { fieldOf } from './columns';
import type { Cursors } from './cursors';
import { DateTime } from './DateTime';
import type { Enums } from './enums';
import { type Names, capitalized } from './names';
import { type Fields, type ShownField, type Types, interfaceType } from './types';
import type { TransitionConnection } from './transitions';
import type { AbstractViewClass, View, ViewClass } from './View';

/** Relay's object identification. Not registered with implementations, which differ from schema to schema. */
export const NodeType = interfaceType<MachinePhase>(
  'Node',
  {
    says: 'An object that `node` finds by its id.',
    fields: {
      id: { type: () => ID, says: 'Unique among all nodes.', of: ({ state }) => state.id },
    },
  },
  { autoRegisterImplementations: false },
);

export interface PhaseTypes {
  /** The interface. */
  readonly machine: AbstractViewClass<MachinePhase>;
  /** The object type of a state. */
  readonly stateOf: (state: string) => ViewClass<MachinePhase>;
  readonly snapshot: ViewClass<MachinePhase>;
  /** The view of a phase. */
  readonly viewOf: (phase: MachinePhase) => View<MachinePhase>;
}

/** Reads a column of a phase of any machine. */
function inColumn(column: string): (phase: MachinePhase) => unknown {
  return ({ state }) => (state as unknown as Readonly<Record<string, unknown>>)[column];
}

export function phaseTypesOf(
  lifecycle: AnyLifecycle,
  types: Types,
  names: Names,
  enums: Enums,
  cursors: Cursors,
  /** A thunk, because transitions show phases, too. */
  history: () => ViewClass<TransitionConnection>,
): PhaseTypes {
  const { declaration } = lifecycle.machine;
  const { noun } = names;
  const columns = Object.entries(declaration.columns);
  const nullable: Record<string, ShownField<MachinePhase>> = Object.fromEntries(
    columns.map(([name, column]) => [name, fieldOf(column, true, inColumn(name))]),
  );

  const snapshot = types.object<MachinePhase>(names.own('Snapshot'), {
    says: `${capitalized(names.aNoun)} as it was. It has no id, so that a client’s cache does not replace the present with the past.`,
    fields: {
      ...recordFields(enums, {
        phase: `Where the ${noun} was in its lifecycle.`,
        version: `Which version of the ${noun} this is.`,
        createdAt: `When the ${noun} began.`,
        updatedAt: 'When this version was recorded.',
      }),
      ...nullable,
      nextEvents: nextEvents(enums, `The events that the ${noun} accepted then.`),
    },
  });

  const machine = types.interface<MachinePhase>(names.machine, {
    says: `${declaration.says} Each phase is an object type of its own.`,
    implements: [NodeType],
    fields: {
      ...recordFields(enums, {
        phase: `Where this ${noun} is in its lifecycle.`,
        version: 'Begins at 1, and grows by one with each transition.',
        createdAt: 'When it began.',
        updatedAt: 'When its last transition was recorded.',
      }),
      ...nullable,
      nextEvents: nextEvents(enums, `The events that this ${noun} accepts now.`),
      snapshot: {
        type: () => snapshot,
        nullable: true,
        says: `This ${noun} as it was at a version or at a time, by default as it is now. Null before it began, or beyond its last version.`,
        arguments: SnapshotArguments,
        ask: async (phase, asked: AskedPast, { machines, deadline }) => {
          const past = pastOf(asked);
          const then = past
            ? await machines.of(lifecycle).reader.past(phase.state.id, past, deadline)
            : phase;
          return then && new snapshot(then);
        },
      },
      history: {
        type: history,
        says: 'Its transitions, oldest first.',
        arguments: PageArguments,
        ask: async (phase, asked: AskedPage, { machines, deadline }) => {
          const request = pageRequest(asked, cursors.version);
          const { reader } = machines.of(lifecycle);
          const page = await reader.history(phase.state.id, request, deadline);
          return new (history())({ page, cursor: cursors.version });
        },
      },
    },
  });

  const states: Record<string, ViewClass<MachinePhase>> = Object.create(null) as Record<
    string,
    never
  >;
  for (const [state, { says, has = [] }] of Object.entries(declaration.states)) {
    const narrowed: Fields<MachinePhase> = Object.fromEntries(
      columns
        .filter(([name]) => has.includes(name))
        .map(([name, column]) => [name, fieldOf(column, false, inColumn(name))]),
    );
    states[state] = types.object<MachinePhase>(state, {
      says,
      implements: [machine, NodeType],
      fields: narrowed,
    });
  }
  const stateOf = (state: string): ViewClass<MachinePhase> => {
    const type = states[state];
    if (type === undefined) throw new TypeError(`There is no type of ${state}.`);
    return type;
  };
  return {
    machine,
    stateOf,
    snapshot,
    viewOf: (phase) => new (stateOf(phase.stateType))(phase),
  };
}

/** The fields that every machine has. */
function recordFields(
  enums: Enums,
  says: Readonly<Record<'phase' | 'version' | 'createdAt' | 'updatedAt', string>>,
): Fields<MachinePhase> {
  return {
    phase: { type: () => enums.phase, says: says.phase, of: ({ stateType }) => stateType },
    version: { type: () => Int, says: says.version, of: ({ state }) => state.version },
    createdAt: { type: () => DateTime, says: says.createdAt, of: ({ state }) => state.createdAt },
    updatedAt: { type: () => DateTime, says: says.updatedAt, of: ({ state }) => state.updatedAt },
  };
}

function nextEvents(enums: Enums, says: string): ShownField<MachinePhase> {
  return { type: () => [enums.event], says, of: (phase) => phase.nextEvents };
}
