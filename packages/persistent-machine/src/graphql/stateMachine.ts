/** The type `StateMachine`: the declaration, for tools that draw the machine, list its fields or offer its events. */
import type { AnyLifecycle, Columns, Edge } from '../machine';
import { typeNameOf } from './columns';
import type { Enums } from './enums';
import type { Names } from './names';
import type { Types } from './types';
import type { View, ViewClass } from './View';

interface FieldDescription {
  readonly name: string;
  readonly type: string;
  readonly says: string;
}

export interface StateMachine {
  readonly type: ViewClass<AnyLifecycle>;
  /** One view serves every request, because a declaration never changes. */
  readonly view: View<AnyLifecycle>;
}

export function stateMachineOf(
  lifecycle: AnyLifecycle,
  types: Types,
  names: Names,
  enums: Enums,
): StateMachine {
  const { aNoun } = names;
  const { declaration } = lifecycle.machine;
  const { initial } = declaration;

  const transition = types.object<Edge>(names.type('MachineTransition'), {
    says: 'An arrow in the diagram of the machine. An event that may lead to several states has one arrow for each.',
    fields: {
      event: {
        type: () => enums.event,
        says: 'The event that the state accepts.',
        of: ({ event }) => event,
      },
      to: { type: () => enums.phase, says: 'The phase that it leads to.', of: ({ to }) => to },
    },
  });
  const state = types.object<{ readonly state: string; readonly edges: readonly Edge[] }>(
    names.type('MachineState'),
    {
      says: 'A state of the machine.',
      fields: {
        phase: {
          type: () => enums.phase,
          says: `The phase of ${aNoun} in this state.`,
          of: (shown) => shown.state,
        },
        initial: {
          type: () => Boolean,
          says: `Whether ${aNoun} begins in this state.`,
          of: (shown) => shown.state === initial.to,
        },
        final: {
          type: () => Boolean,
          says: 'Whether this state accepts no event.',
          of: ({ edges }) => edges.length === 0,
        },
        transitions: {
          type: () => [transition],
          says: 'The events that this state accepts, and where they lead.',
          of: ({ edges }) => edges.map((edge) => new transition(edge)),
        },
      },
    },
  );
  const field = types.object<FieldDescription>(names.type('MachineField'), {
    says: `A field of ${aNoun}, or an argument of a mutation.`,
    fields: {
      name: {
        type: () => String,
        says: 'Its name.',
        of: ({ name }) => name,
      },
      type: {
        type: () => String,
        says: 'Its GraphQL type, such as `Int!`.',
        of: ({ type }) => type,
      },
      description: { type: () => String, says: 'What it means.', of: ({ says }) => says },
    },
  });
  const fieldsOf = (columns: Columns, nullable: boolean): View<FieldDescription>[] =>
    Object.entries(columns).map(
      ([name, column]) =>
        new field({ name, type: typeNameOf(column, nullable), says: column.says }),
    );
  const event = types.object<string>(names.type('MachineEvent'), {
    says: `What can happen to ${aNoun}, and the mutation that asks for it. Every mutation takes \`id\`, \`occurredAt\` and \`idempotencyKey\`, except the one that begins ${aNoun}: it takes an optional \`id\`.`,
    fields: {
      event: { type: () => enums.event, says: 'The event.', of: (shown) => shown },
      mutation: {
        type: () => String,
        says: 'The name of the mutation that asks for it.',
        of: (shown) => names.mutation(declaration.events[shown]?.verb ?? shown),
      },
      data: {
        type: () => [field],
        says: 'The data of the event: the further arguments of its mutation.',
        of: (shown) => fieldsOf(declaration.events[shown]?.data ?? {}, false),
      },
    },
  });

  const states = lifecycle.states.map(
    (name) =>
      new state({ state: name, edges: lifecycle.edges.filter(({ from }) => from === name) }),
  );
  const events = lifecycle.events.map((name) => new event(name));
  const fields = fieldsOf(declaration.columns, true);
  const mermaid = lifecycle.mermaid();
  const type = types.object<AnyLifecycle>(names.type('StateMachine'), {
    says: 'The state machine itself, for tools that draw it or offer its events.',
    fields: {
      name: {
        type: () => String,
        says: 'The name of the machine, which is also the name of its interface.',
        of: ({ machine }) => machine.name,
      },
      states: { type: () => [state], says: 'Its states.', of: () => states },
      events: {
        type: () => [event],
        says: `Its events. The first one begins ${aNoun}.`,
        of: () => events,
      },
      fields: {
        type: () => [field],
        says: `The fields that the declaration adds to the interface ${names.machine}. Every machine has an id, a phase, a version and the times of recording as well.`,
        of: () => fields,
      },
      mermaid: {
        type: () => String,
        says: 'The machine as a Mermaid diagram.',
        of: () => mermaid,
      },
    },
  });
  return { type, view: new type(lifecycle) };
}
