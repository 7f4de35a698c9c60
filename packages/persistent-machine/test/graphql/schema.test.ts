/** Tests what is derived from two machines in one schema: a door, which is bare, and an order beside it. */
import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  printType,
} from 'graphql';
import { rootFieldsOf } from 'persistent-machine/graphql/rootFields';
import { createSchema } from 'persistent-machine/graphql/schema';
import { doors } from './door';
import { orders } from './order';

const schema = createSchema([{ lifecycle: doors }, { lifecycle: orders }]);

/** A type as it is printed, without descriptions, each field on a line of its own. */
function typeOf(name: string, of: GraphQLSchema = schema): string[] {
  const type = of.getType(name);
  if (type === undefined) throw new Error(`There is no type ${name}.`);
  return printType(type)
    .replaceAll(/ *"""[^]*?"""\n/g, '')
    .replaceAll(
      /\(\n([^)]*)\)/g,
      (_all, args: string) =>
        `(${args
          .trim()
          .split(/\s*\n+\s*/)
          .join(', ')})`,
    )
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

const COMMON = ['version: Int!', 'createdAt: DateTime!', 'updatedAt: DateTime!'] as const;

const OWN = (name: string): string[] => [
  `nextEvents: [${name}Event!]!`,
  `snapshot(version: Int, asOf: DateTime): ${name}Snapshot`,
  `history(first: Int, after: String, last: Int, before: String): ${name}TransitionConnection!`,
];

test('the interface of a machine has all columns, nullable, and the type of a state has the columns of that state', () => {
  expect(typeOf('Order')).toEqual([
    'interface Order implements Node {',
    'id: ID!',
    'phase: OrderPhase!',
    ...COMMON,
    ...['customer: String', 'totalCents: Int', 'paidCents: Int'],
    ...['carrier: String', 'insured: Boolean', 'promisedFor: DateTime'],
    ...['placedAt: DateTime', 'paidAt: DateTime', 'shippedAt: DateTime', 'cancelledAt: DateTime'],
    ...OWN('Order'),
    '}',
  ]);
  expect(typeOf('Placed')).toEqual([
    'type Placed implements Order & Node {',
    'id: ID!',
    'phase: OrderPhase!',
    ...COMMON,
    ...['customer: String!', 'totalCents: Int!', 'paidCents: Int!'],
    ...['carrier: String', 'insured: Boolean', 'promisedFor: DateTime'],
    ...['placedAt: DateTime!', 'paidAt: DateTime', 'shippedAt: DateTime', 'cancelledAt: DateTime'],
    ...OWN('Order'),
    '}',
  ]);
});

test('a bare machine takes the short names, and the names of another machine begin with its own', () => {
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .map(({ name }) => name)
    .sort();
  expect(types).toEqual(
    [
      ...['Query', 'Mutation', 'Subscription', 'DateTime', 'Node', 'PageInfo'],
      ...['TransitionError', 'OccurredAtOutOfRange', 'IdempotencyKeyReused'],
      // Of the door.
      ...['Door', 'Shut', 'Open', 'Phase', 'DoorEvent', 'DoorOrder', 'DoorSnapshot'],
      ...['DoorConnection', 'DoorEdge', 'Census'],
      ...['DoorTransition', 'DoorTransitionConnection', 'DoorTransitionEdge'],
      ...['StateMachine', 'MachineState', 'MachineTransition', 'MachineEvent', 'MachineField'],
      ...['OpeningResult', 'ShuttingResult', 'DoorNotFound', 'IllegalTransition'],
      // Of the order.
      ...['Order', 'Draft', 'Placed', 'Paid', 'InTransit', 'Cancelled'],
      ...['OrderPhase', 'OrderEvent', 'OrderOrder', 'OrderSnapshot'],
      ...['OrderConnection', 'OrderEdge', 'OrderCensus'],
      ...['OrderTransition', 'OrderTransitionConnection', 'OrderTransitionEdge'],
      'OrderTransitionData',
      ...['OrderStateMachine', 'OrderMachineState', 'OrderMachineTransition'],
      ...['OrderMachineEvent', 'OrderMachineField'],
      ...['OrderPlacementResult', 'OrderPaymentResult', 'OrderShipmentResult'],
      ...['OrderCancellationResult', 'OrderNotFound', 'IllegalOrderTransition', 'Overpaid'],
    ].sort(),
  );
  expect([...rootFieldsOf(schema).keys()]).toEqual([
    ...['Query.node', 'Query.nodes'],
    ...['Query.door', 'Query.doors', 'Query.transitions', 'Query.census', 'Query.machine'],
    ...['Query.order', 'Query.orders', 'Query.orderTransitions'],
    ...['Query.orderCensus', 'Query.orderMachine'],
    ...['Mutation.hang', 'Mutation.open', 'Mutation.shut'],
    ...['Mutation.draftOrder', 'Mutation.placeOrder', 'Mutation.payOrder'],
    ...['Mutation.shipOrder', 'Mutation.cancelOrder'],
    ...['Subscription.doorChanged', 'Subscription.transitions'],
    ...['Subscription.orderChanged', 'Subscription.orderTransitions'],
  ]);
});

test('a mutation takes the data of its event, and answers a state that the event leads to, or a refusal', () => {
  const mutations = typeOf('Mutation');
  expect(mutations).toContain(
    'payOrder(id: ID!, amountCents: Int!, occurredAt: DateTime, idempotencyKey: String): OrderPaymentResult',
  );
  expect(mutations).toContain('draftOrder(id: ID, channel: String!): Draft');
  expect(mutations).toContain(
    'open(id: ID!, occurredAt: DateTime, idempotencyKey: String): OpeningResult',
  );
  const general = 'OccurredAtOutOfRange | IdempotencyKeyReused';
  expect(typeOf('OrderPaymentResult')).toEqual([
    `union OrderPaymentResult = Placed | Paid | OrderNotFound | IllegalOrderTransition | ${general} | Overpaid`,
  ]);
  expect(typeOf('OpeningResult')).toEqual([
    `union OpeningResult = Open | DoorNotFound | IllegalTransition | ${general}`,
  ]);
  expect(typeOf('Overpaid')).toEqual([
    'type Overpaid implements TransitionError {',
    'message: String!',
    'dueCents: Int!',
    '}',
  ]);
  expect(typeOf('IllegalOrderTransition')).toEqual([
    'type IllegalOrderTransition implements TransitionError {',
    ...['message: String!', 'event: OrderEvent!', 'from: OrderPhase!'],
    ...['nextEvents: [OrderEvent!]!', 'order: Order!'],
    '}',
  ]);
});

test('a transition shows the data of its event, if any event of its machine carries data', () => {
  expect(typeOf('OrderTransition')).toContain('data: OrderTransitionData');
  expect(typeOf('OrderTransitionData')).toEqual([
    'type OrderTransitionData {',
    'channel: String',
    ...['customer: String', 'totalCents: Int', 'amountCents: Int'],
    ...['carrier: String', 'insured: Boolean', 'promisedFor: DateTime'],
    '}',
  ]);
  expect(typeOf('DoorTransition').filter((line) => line.startsWith('data'))).toEqual([]);
});

test('each root field belongs to its machine, and reads or writes; a field of no machine only reads', () => {
  const fields = rootFieldsOf(schema);
  expect(fields.get('Query.orderTransitions')).toEqual({ machine: 'orders', access: 'read' });
  expect(fields.get('Subscription.transitions')).toEqual({ machine: 'doors', access: 'read' });
  expect(fields.get('Mutation.cancelOrder')).toEqual({ machine: 'orders', access: 'write' });
  expect(fields.get('Mutation.shut')).toEqual({ machine: 'doors', access: 'write' });
  const shared = [...fields].filter(([, { machine }]) => machine === null);
  expect(shared).toEqual([
    ['Query.node', { machine: null, access: 'read' }],
    ['Query.nodes', { machine: null, access: 'read' }],
  ]);
});

test('a schema has the types of the machines that it serves, and of no other', () => {
  const alone = createSchema([{ lifecycle: orders }]);
  expect(
    Object.keys(alone.getTypeMap()).filter((name) => /Door|^Phase$|^Census$/.test(name)),
  ).toEqual([]);
  const node = alone.getType('Node');
  const isNode = isInterfaceType(node) && alone.getPossibleTypes(node).map(({ name }) => name);
  expect(isNode).toEqual(['Draft', 'Placed', 'Paid', 'InTransit', 'Cancelled']);
});

test('every type, field, argument and constant has a description, which is a sentence', () => {
  const described = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap(partsOf);
  expect(described.length).toBeGreaterThan(250);
  const silent = described.filter(([, says]) => !/^[A-Z0-9`][^]*[.?!]$/.test(says ?? ''));
  expect(silent).toEqual([]);
});

type Described = readonly [string, string | null | undefined];

function partsOf(type: GraphQLNamedType): Described[] {
  const own: Described = [type.name, type.description];
  if (isEnumType(type)) {
    return [own, ...type.getValues().map((each): Described => [each.name, each.description])];
  }
  if (isUnionType(type) || !(isObjectType(type) || isInterfaceType(type))) return [own];
  return [
    own,
    ...Object.values(type.getFields()).flatMap(({ name, description, args }): Described[] => [
      [`${type.name}.${name}`, description],
      ...args.map((each): Described => [`${type.name}.${name}(${each.name}:)`, each.description]),
    ]),
  ];
}
