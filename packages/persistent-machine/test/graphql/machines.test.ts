/** Tests doors and orders as clients see them: derived mutations, queries and subscriptions, over a real database. */
import type { ExecutionResult } from 'graphql';
import { uuidv7 } from 'uuidv7';
import { type Serving, serve } from './serving';

let serving: Serving;
/** A door and an order that no request names, and all of their rows. */
let bystanders: { readonly door: string; readonly order: string };
let before: object[];

const rowsOf = async ({ door, order }: typeof bystanders): Promise<object[]> =>
  (await serving.rows()).filter((row) =>
    Object.values(row).some((value) => value === door || value === order),
  );

beforeAll(async () => {
  serving = await serve();
  bystanders = { door: await hang(), order: await placed(100) };
  before = await rowsOf(bystanders);
  expect(before).toHaveLength(5);
});

beforeEach(() => {
  serving.statements.length = 0;
});

afterEach(async () => {
  expect(await rowsOf(bystanders)).toEqual(before);
});

afterAll(async () => {
  await serving.stop();
});

const hang = async (id = uuidv7()): Promise<string> =>
  (await serving.ask('mutation ($id: ID) { hang(id: $id) { id } }', { id })).hang.id as string;

const DRAFT = `mutation ($id: ID, $channel: String!) {
  draftOrder(id: $id, channel: $channel) { id version }
}`;

const draft = async (id = uuidv7()): Promise<string> =>
  (await serving.ask(DRAFT, { id, channel: 'web' })).draftOrder.id as string;

async function placed(totalCents: number): Promise<string> {
  const id = await draft();
  const { placeOrder } = await serving.ask(
    `mutation ($id: ID!, $totalCents: Int!) {
      placeOrder(id: $id, customer: "Ann", totalCents: $totalCents) { __typename }
    }`,
    { id, totalCents },
  );
  expect(placeOrder).toEqual({ __typename: 'Placed' });
  return id;
}

const PAY = `mutation ($id: ID!, $amountCents: Int!, $key: String) {
  payOrder(id: $id, amountCents: $amountCents, idempotencyKey: $key) {
    __typename
    ... on Order { version paidCents }
    ... on TransitionError { message }
    ... on Overpaid { dueCents }
    ... on OrderNotFound { id }
    ... on IllegalOrderTransition { event from nextEvents order { phase paidCents } }
    ... on IdempotencyKeyReused { idempotencyKey }
  }
}`;

const pay = async (id: string, amountCents: number, key?: string): Promise<unknown> =>
  (await serving.ask(PAY, { id, amountCents, key })).payOrder;

test('an order is paid in parts: one event leads to two states, each answered as its own type', async () => {
  const id = await placed(100);
  expect(await pay(id, 30)).toEqual({ __typename: 'Placed', version: 3, paidCents: 30 });
  expect(await pay(id, 70)).toEqual({ __typename: 'Paid', version: 4, paidCents: 100 });
});

test('the history shows the data of each event, with moments and flags in their own types', async () => {
  const id = await placed(5);
  await pay(id, 5);
  const { shipOrder } = await serving.ask(
    `mutation ($id: ID!) {
      shipOrder(id: $id, carrier: "By foot", insured: false, promisedFor: "2030-01-01T00:00:00+01:00") {
        ... on InTransit { carrier insured promisedFor }
      }
    }`,
    { id },
  );
  const said = {
    carrier: 'By foot',
    insured: false,
    promisedFor: new Date('2029-12-31T23:00:00Z'),
  };
  const promisedFor = said.promisedFor.toISOString();
  expect(shipOrder).toEqual({ ...said, promisedFor });
  const { order } = await serving.ask(
    `query ($id: ID!) {
      order(id: $id) {
        history {
          nodes {
            event actor orderId
            data { channel customer totalCents amountCents carrier insured promisedFor }
          }
        }
      }
    }`,
    { id },
  );
  const none = {
    ...{ channel: null, customer: null, totalCents: null, amountCents: null },
    ...{ carrier: null, insured: null, promisedFor: null },
  };
  const recorded = (event: string, data: object): object => ({
    event,
    actor: 'a clerk',
    orderId: id,
    data,
  });
  expect(order.history.nodes).toEqual([
    recorded('DRAFTING', { ...none, channel: 'web' }),
    recorded('PLACEMENT', { ...none, customer: 'Ann', totalCents: 5 }),
    recorded('PAYMENT', { ...none, amountCents: 5 }),
    recorded('SHIPMENT', { ...none, ...said, promisedFor }),
  ]);
});

describe('a mutation that changes nothing', () => {
  test('says so by the machine’s own refusal, with its facts', async () => {
    const id = await placed(100);
    expect(await pay(id, 101)).toEqual({
      __typename: 'Overpaid',
      message: 'Only 100 are due.',
      dueCents: 100,
    });
  });

  test('says that the phase does not accept the event, and shows the order as it is', async () => {
    const id = await placed(1);
    await pay(id, 1);
    expect(await pay(id, 1)).toEqual({
      __typename: 'IllegalOrderTransition',
      message: 'Payment is not possible in Paid, which accepts Shipment.',
      event: 'PAYMENT',
      from: 'PAID',
      nextEvents: ['SHIPMENT'],
      order: { phase: 'PAID', paidCents: 1 },
    });
  });

  test('says that there is no such order', async () => {
    const id = uuidv7();
    const message = `There is no order ${id}.`;
    expect(await pay(id, 1)).toEqual({ __typename: 'OrderNotFound', message, id });
  });

  test('says that its key was used for another payment, and answers a repeated payment as the first time', async () => {
    const id = await placed(600);
    const first = { __typename: 'Placed', version: 3, paidCents: 500 };
    expect(await pay(id, 500, 'mine')).toEqual(first);
    expect(await pay(id, 500, 'mine')).toEqual(first);
    expect(await pay(id, 5, 'mine')).toMatchObject({
      __typename: 'IdempotencyKeyReused',
      idempotencyKey: 'mine',
    });
  });

  test('is reported by the type of its refusal', async () => {
    const observation: { refusal: string | undefined } = { refusal: undefined };
    await serving.ask(PAY, { id: uuidv7(), amountCents: 1 }, { observation });
    expect(observation.refusal).toBe('OrderNotFound');
  });
});

describe('an order that is drafted twice with one id', () => {
  test('is one order', async () => {
    const id = uuidv7();
    expect([await draft(id.toUpperCase()), await draft(id)]).toEqual([id, id]);
    const { order } = await serving.ask('query ($id: ID!) { order(id: $id) { version } }', { id });
    expect(order).toEqual({ version: 1 });
  });

  test('is refused the second time if its data differ', async () => {
    const id = await draft();
    const [error] = await serving.errorsOf(DRAFT, { id, channel: 'phone' });
    expect(error?.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'id', message: 'was used before with other data.' }],
    });
  });
});

describe('node', () => {
  const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }';

  test('finds doors and orders, with one statement for each machine', async () => {
    const [door, order, none] = [await hang(), await draft(), uuidv7()];
    serving.statements.length = 0;
    const source = `query ($door: ID!, $order: ID!, $none: ID!) {
      door: node(id: $door) { __typename id }
      order: node(id: $order) { __typename id }
      none: node(id: $none) { id }
      all: nodes(ids: [$order, $none, $door]) { id }
    }`;
    expect(await serving.ask(source, { door, order, none })).toEqual({
      door: { __typename: 'Shut', id: door },
      order: { __typename: 'Draft', id: order },
      none: null,
      all: [{ id: order }, null, { id: door }],
    });
    expect(serving.statements).toEqual(['doors: find', 'orders: find']);
  });

  test('shows only what the token may read, and for an id in two machines the first of those', async () => {
    const id = await hang();
    await draft(id);
    const ids = [id, await hang(), await draft()];
    const typesFor = async (...scopes: string[]): Promise<unknown[]> => {
      const answer = await serving.ask(NODES, { ids }, { scopes: new Set(scopes) });
      const nodes = answer.nodes as readonly ({ readonly __typename: string } | null)[];
      return nodes.map((node) => node?.__typename ?? null);
    };
    expect(await typesFor('doors:read', 'orders:read')).toEqual(['Shut', 'Shut', 'Draft']);
    expect(await typesFor('orders:read')).toEqual(['Draft', null, 'Draft']);
    expect(await typesFor('doors:read', 'orders:write')).toEqual(['Shut', 'Shut', null]);
  });
});

test('each machine has its own list, counts and feed', async () => {
  const count = '{ census { shut open total } orderCensus { draft placed inTransit total } }';
  const was = await serving.ask(count);
  const door = await hang();
  await serving.ask('mutation ($id: ID!) { open(id: $id) { __typename } }', { id: door });
  const order = await draft();
  const { census, orderCensus } = await serving.ask(count);
  expect(census).toEqual({
    shut: was.census.shut,
    open: Number(was.census.open) + 1,
    total: Number(was.census.total) + 1,
  });
  expect(orderCensus).toEqual({
    ...was.orderCensus,
    draft: Number(was.orderCensus.draft) + 1,
    total: Number(was.orderCensus.total) + 1,
  });
  const last = await serving.ask(`{
    doors(order: NEWEST_FIRST, first: 1) { totalCount nodes { id openedAt } }
    orders(phase: DRAFT, order: NEWEST_FIRST, first: 1) { nodes { id customer } }
    transitions(last: 2) { nodes { event doorId } }
    orderTransitions(events: DRAFTING, last: 1) { nodes { event orderId } }
  }`);
  expect(last).toEqual({
    doors: { totalCount: census.total, nodes: [{ id: door, openedAt: expect.any(String) }] },
    orders: { nodes: [{ id: order, customer: null }] },
    transitions: {
      nodes: [
        { event: 'HANGING', doorId: door },
        { event: 'OPENING', doorId: door },
      ],
    },
    orderTransitions: { nodes: [{ event: 'DRAFTING', orderId: order }] },
  });
});

test('a door is shown as it was, by version and by time', async () => {
  const id = await hang();
  const { open } = await serving.ask(
    'mutation ($id: ID!) { open(id: $id) { ... on Open { openedAt } } }',
    { id },
  );
  const { door } = await serving.ask(
    `query ($id: ID!, $asOf: DateTime) {
      door(id: $id) {
        first: snapshot(version: 1) { phase openedAt }
        then: snapshot(asOf: $asOf) { phase openedAt }
        never: snapshot(version: 3) { phase }
      }
    }`,
    { id, asOf: open.openedAt },
  );
  expect(door).toEqual({
    first: { phase: 'SHUT', openedAt: null },
    then: { phase: 'OPEN', openedAt: open.openedAt },
    never: null,
  });
});

test('a tool reads the machine by a query: its facts, and its events with their data', async () => {
  const { orderMachine } = await serving.ask(`{
    orderMachine {
      name
      states { phase initial final transitions { event to } }
      events { event mutation data { name type description } }
      fields { name type }
    }
  }`);
  expect(orderMachine.name).toBe('Order');
  expect(orderMachine.states[1]).toEqual({
    phase: 'PLACED',
    initial: false,
    final: false,
    transitions: [
      { event: 'PAYMENT', to: 'PLACED' },
      { event: 'PAYMENT', to: 'PAID' },
      { event: 'CANCELLATION', to: 'CANCELLED' },
    ],
  });
  expect(orderMachine.events[2]).toEqual({
    event: 'PAYMENT',
    mutation: 'payOrder',
    data: [{ name: 'amountCents', type: 'Int!', description: 'How much is paid.' }],
  });
  const [first, second] = orderMachine.fields as readonly object[];
  expect([first, second]).toEqual([
    { name: 'customer', type: 'String' },
    { name: 'totalCents', type: 'Int' },
  ]);
});

describe('a subscription', () => {
  const next = async (events: AsyncGenerator<ExecutionResult>): Promise<unknown> => {
    const { value } = await events.next();
    return (value as ExecutionResult | undefined)?.data;
  };

  test('gives an order as it is, then after each change, and ends when the order does', async () => {
    const id = await placed(10);
    const changes = await serving.follow(
      'subscription ($id: ID!) { orderChanged(id: $id) { __typename version } }',
      { id },
    );
    expect(await next(changes)).toEqual({ orderChanged: { __typename: 'Placed', version: 2 } });
    await serving.ask('mutation ($id: ID!) { cancelOrder(id: $id) { __typename } }', { id });
    expect(await next(changes)).toEqual({ orderChanged: { __typename: 'Cancelled', version: 3 } });
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  test('to an unknown order is refused with a code of its machine', async () => {
    const follow = serving.follow('subscription ($id: ID!) { orderChanged(id: $id) { id } }', {
      id: uuidv7(),
    });
    await expect(follow).rejects.toMatchObject({ extensions: { code: 'ORDER_NOT_FOUND' } });
  });

  test('gives the feed of its machine after a cursor, and takes no other machine’s cursor', async () => {
    const { census, orderCensus } = await serving.ask(
      '{ census { cursor } orderCensus { cursor } }',
    );
    const source = `subscription ($after: String) {
      orderTransitions(after: $after) { event orderId data { channel totalCents } }
    }`;
    const feed = await serving.follow(source, { after: orderCensus.cursor });
    await hang();
    const id = await placed(7);
    expect([await next(feed), await next(feed)]).toEqual([
      {
        orderTransitions: {
          event: 'DRAFTING',
          orderId: id,
          data: { channel: 'web', totalCents: null },
        },
      },
      {
        orderTransitions: {
          event: 'PLACEMENT',
          orderId: id,
          data: { channel: null, totalCents: 7 },
        },
      },
    ]);
    await feed.return(undefined);
    await expect(serving.follow(source, { after: census.cursor })).rejects.toMatchObject({
      extensions: {
        code: 'BAD_USER_INPUT',
        fields: [{ path: 'after', message: 'is not a cursor of this connection.' }],
      },
    });
  });
});

test('every page of one machine refuses the cursors of the other', async () => {
  const { doors, transitions, door } = await serving.ask(
    `query ($id: ID!) {
      doors(first: 1) { pageInfo { endCursor } }
      transitions(first: 1) { pageInfo { endCursor } }
      door(id: $id) { history { pageInfo { endCursor } } }
    }`,
    { id: bystanders.door },
  );
  const pages = {
    orders: '{ orders(before: $cursor) { nodes { id } } }',
    feed: '{ orderTransitions(before: $cursor) { nodes { version } } }',
    history: `{ order(id: "${bystanders.order}") { history(before: $cursor) { nodes { version } } } }`,
  };
  const cursors: readonly string[] = [
    doors.pageInfo.endCursor,
    transitions.pageInfo.endCursor,
    door.history.pageInfo.endCursor,
  ];
  for (const selection of Object.values(pages)) {
    for (const cursor of cursors) {
      const [error] = await serving.errorsOf(`query ($cursor: String) ${selection}`, { cursor });
      expect(error?.extensions).toEqual({
        code: 'BAD_USER_INPUT',
        fields: [{ path: 'before', message: 'is not a cursor of this connection.' }],
      });
    }
  }
});
