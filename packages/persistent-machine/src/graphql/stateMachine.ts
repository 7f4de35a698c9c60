/** The machine itself as a type: its declaration, for tools that draw it, list its facts or offer its events. */
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
  /** There is one, the same at any time. */
  readonly view: View<AnyLifecycle>;
}

export function stateMachineOf(
  lifecycle: AnyLifecycle,
  types: Types,
  names: Names,
  enums: Enums,
): StateMachine {
  const { noun, aNoun } = names;
  const { declaration } = lifecycle.machine;
  const { initial } = declaration;

  const transition = types.object<Edge>(names.type('MachineTransition'), {
    says: 'An arrow of the machine. An event that may lead to several states has one for each.',
    fields: {
      event: {
        type: () => enums.event,
        says: 'The event that is accepted.',
        of: ({ event }) => event,
      },
      to: { type: () => enums.phase, says: 'Where it leads.', of: ({ to }) => to },
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
          says: `Whether ${aNoun} begins here.`,
          of: (shown) => shown.state === initial.to,
        },
        final: {
          type: () => Boolean,
          says: 'Whether nothing follows.',
          of: ({ edges }) => edges.length === 0,
        },
        transitions: {
          type: () => [transition],
          says: 'What this state accepts.',
          of: ({ edges }) => edges.map((edge) => new transition(edge)),
        },
      },
    },
  );
  const field = types.object<FieldDescription>(names.type('MachineField'), {
    says: `Something that is known of ${aNoun}, or that is said with an event.`,
    fields: {
      name: {
        type: () => String,
        says: 'The name of the field or argument.',
        of: ({ name }) => name,
      },
      type: {
        type: () => String,
        says: 'Its type, as a document writes it: `Int!`.',
        of: ({ type }) => type,
      },
      description: { type: () => String, says: 'What it is.', of: ({ says }) => says },
    },
  });
  const fieldsOf = (columns: Columns, nullable: boolean): View<FieldDescription>[] =>
    Object.entries(columns).map(
      ([name, column]) =>
        new field({ name, type: typeNameOf(column, nullable), says: column.says }),
    );
  const event = types.object<string>(names.type('MachineEvent'), {
    says: `What can happen to ${aNoun}, the mutation that asks for it, and what that takes beside \`id\`, \`occurredAt\` and \`idempotencyKey\`. The mutation that begins ${aNoun} takes \`id\` alone of these, and only where the client chooses it.`,
    fields: {
      event: { type: () => enums.event, says: 'The event.', of: (shown) => shown },
      mutation: {
        type: () => String,
        says: 'The name of the mutation that asks for it.',
        of: (shown) => names.mutation(declaration.events[shown]?.verb ?? shown),
      },
      data: {
        type: () => [field],
        says: 'What the event carries: arguments of the mutation.',
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
        says: 'What the machine is called: the interface of its phases has this name.',
        of: ({ machine }) => machine.name,
      },
      states: { type: () => [state], says: 'Its states.', of: () => states },
      events: {
        type: () => [event],
        says: 'Its events; the one that begins it first.',
        of: () => events,
      },
      fields: {
        type: () => [field],
        says: `What is known of ${aNoun}, as the interface ${names.machine} has it: beside id, phase, version and moments of recording, which every ${noun} has.`,
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
