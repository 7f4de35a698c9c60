/** Tests names that would mean two things in one schema: createSchema refuses each of them with a sentence. */
import { Mutation, Query, Resolver } from 'type-graphql';
import { graphqlOf } from 'persistent-machine/graphql/graphqlOf';
import { createSchema } from 'persistent-machine/graphql/schema';
import { rootFieldsOf } from 'persistent-machine/graphql/rootFields';
import {
  type AnyLifecycle,
  type Columns,
  type Declaration,
  Machine,
  classes,
  int,
  moment,
  text,
} from 'persistent-machine/machine';
import { doors } from './door';
import { orders } from './order';

const USED: Declaration = {
  says: 'A ticket.',
  columns: { usedAt: moment({ says: 'When it was used.' }) },
  initial: { event: 'Issue', to: 'Issued' },
  events: {
    Issue: { verb: 'issue', at: 'createdAt', says: 'A ticket is issued.' },
    Use: { verb: 'use', at: 'usedAt', says: 'A ticket is used.' },
  },
  states: {
    Issued: { says: 'Issued.', accepts: { Use: 'Used' } },
    Used: { says: 'Used.', has: ['usedAt'] },
  },
};

/** A ticket of this name, with the declaration above and the given changes. No test moves it. */
function ticket(name: string, different: Partial<Declaration> = {}): AnyLifecycle {
  const declared = new Machine<Declaration>(name, { ...USED, ...different });
  const phases = Object.entries(declared.declaration.states).map(([state, { accepts }]) => {
    class Phase extends declared.phase(state) {}
    const use = { value: () => undefined };
    if (accepts) Object.defineProperty(Phase.prototype, 'use', use);
    return [state, Phase];
  });
  // The compiler knows neither its states nor their verbs.
  return classes(declared, Object.fromEntries(phases) as never);
}

/** A ticket that begins in a state of this name. */
function beginningIn(state: string, name = `TicketOf${state}`): AnyLifecycle {
  const { Issued, Used } = USED.states;
  return ticket(name, {
    initial: { event: 'Issue', to: state },
    states: { [state]: { ...Issued, says: 'Issued.' }, Used: { ...Used, says: 'Used.' } },
  });
}

const schemaOf = (...lifecycles: readonly AnyLifecycle[]) =>
  createSchema(lifecycles.map((lifecycle) => ({ lifecycle })));

test('two machines that are bare are refused', () => {
  expect(() => schemaOf(doors, ticket('Ticket', { bare: true }))).toThrow(
    'Door and Ticket are bare. Only one machine of a server may be.',
  );
});

test('two states of one name are refused', () => {
  expect(() => schemaOf(orders, beginningIn('Paid', 'Ticket'))).toThrow(
    'Both Order and Ticket would have the type Paid in the schema. Rename one of them.',
  );
});

test.each(['Node', 'PageInfo', 'Query', 'Int'])(
  'a state with the name of %s, a type of every schema, is refused',
  (name) => {
    expect(() => schemaOf(beginningIn(name))).toThrow(`would have the type ${name} in the schema`);
  },
);

test('a state with the name of another type of its machine is refused', () => {
  expect(() => schemaOf(beginningIn('PassEvent', 'Pass'))).toThrow(
    'The schema would have two types PassEvent. Rename the state, event or refusal that one of them is named after.',
  );
});

test.each(['Total', 'Cursor'])('a state whose count would be the field %s is refused', (name) => {
  expect(() => schemaOf(beginningIn(name))).toThrow(
    `The census already has a field ${name.toLowerCase()}. Rename the state ${name}.`,
  );
});

test('two machines of one name are refused', () => {
  expect(() => schemaOf(ticket('Fare'), ticket('Fare'))).toThrow('Two machines are called Fare.');
});

/** A ticket whose events carry these data. */
function carrying(name: string, issue: Columns, use: Columns): AnyLifecycle {
  const { Issue, Use } = USED.events;
  if (Issue === undefined || Use === undefined) throw new Error('There are no such events.');
  return ticket(name, { events: { Issue: { ...Issue, data: issue }, Use: { ...Use, data: use } } });
}

test('data of one name in two events must be of one kind, since a transition shows both under that name', () => {
  const [number, words] = [int({ says: 'A number.' }), text({ max: 9, says: 'In words.' })];
  expect(() => schemaOf(carrying('Fare', { zone: number }, { zone: words }))).toThrow(
    'Events of Fare carry zone as int and as text. Rename one of them.',
  );
});

test('a field that an application writes by hand replaces the derived one, and belongs to its machine', () => {
  const graphql = graphqlOf(doors);

  @Resolver()
  class DoorResolver {
    @Mutation(() => graphql.resultOf('Opening'), { nullable: true, description: 'By hand.' })
    async open(): Promise<null> {
      return null;
    }

    @Query(() => String, { description: 'By hand, too.' })
    async knock(): Promise<string> {
      return 'Who is there?';
    }
  }

  const schema = createSchema([
    { lifecycle: orders },
    { lifecycle: doors, resolvers: [DoorResolver] },
  ]);
  const { open, shut } = schema.getMutationType()?.getFields() ?? {};
  expect(open?.description).toBe('By hand.');
  expect(shut?.description).toBe('A door is shut.');
  const fields = rootFieldsOf(schema);
  expect(fields.get('Mutation.open')).toEqual({ machine: 'doors', access: 'write' });
  expect(fields.get('Query.knock')).toEqual({ machine: 'doors', access: 'read' });
});
