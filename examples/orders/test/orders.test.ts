/** Orders over HTTP, as this application serves them: each event, its data, and its refusals. */
import { uuidv7 } from 'uuidv7';
import { type Answer, type TestServer, ask, startServer } from '../../../test/harness';
import { served } from '../src/application';

let server: TestServer;
/** An order that no test changes. */
let bystander: unknown;

const ORDER = `phase version customer totalCents paidCents carrier trackingNumber reason`;
const OUTCOME = `__typename ... on Order { ${ORDER} } ... on TransitionError { message }`;

async function change(id: string, mutation: string, data = ''): Promise<Answer['data']> {
  // GraphQL refuses a fragment on a type that the result cannot have.
  const refusal = mutation === 'payOrder' ? '... on Overpaid { dueCents }' : '';
  const { data: answer, errors } = await ask(
    server,
    `mutation ($id: ID!) { outcome: ${mutation}(id: $id ${data}) { ${OUTCOME} ${refusal} } }`,
    { id },
  );
  expect(errors).toBeUndefined();
  return answer.outcome;
}

async function draft(): Promise<string> {
  const id = uuidv7();
  await ask(server, 'mutation ($id: ID!) { draftOrder(id: $id) { id } }', { id });
  return id;
}

async function placed(): Promise<string> {
  const id = await draft();
  await change(id, 'placeOrder', 'customer: "Ada", totalCents: 2500');
  return id;
}

const find = async (id: string): Promise<unknown> =>
  (await ask(server, `query ($id: ID!) { order(id: $id) { id ${ORDER} } }`, { id })).data.order;

beforeAll(async () => {
  server = await startServer({}, served);
  const id = await placed();
  bystander = await find(id);
});

afterEach(async () => {
  expect(await find((bystander as { id: string }).id)).toEqual(bystander);
});

afterAll(async () => {
  await server.stop();
});

test('an order goes from its draft to its delivery', async () => {
  const id = await draft();
  const way = [
    await change(id, 'placeOrder', 'customer: "Grace", totalCents: 100'),
    await change(id, 'payOrder', 'amountCents: 100'),
    await change(id, 'shipOrder', 'carrier: "Hermes", trackingNumber: "T1"'),
    await change(id, 'deliverOrder'),
  ];
  expect(way.map(({ __typename }) => __typename)).toEqual([
    'Placed',
    'Paid',
    'Shipped',
    'Delivered',
  ]);
  expect(way.at(-1)).toMatchObject({
    ...{ customer: 'Grace', totalCents: 100, paidCents: 100 },
    ...{ carrier: 'Hermes', trackingNumber: 'T1', reason: null },
  });
});

test('an order is paid in parts, and a payment of more than is due is refused', async () => {
  const id = await placed();
  expect(await change(id, 'payOrder', 'amountCents: 1000')).toMatchObject({
    __typename: 'Placed',
    paidCents: 1000,
  });
  expect(await change(id, 'payOrder', 'amountCents: 1501')).toEqual({
    __typename: 'Overpaid',
    message: 'Only 1500 cents are due.',
    dueCents: 1500,
  });
  expect(await change(id, 'payOrder', 'amountCents: 1500')).toMatchObject({
    __typename: 'Paid',
    paidCents: 2500,
  });
});

test('a payment that is sent again gets its first outcome, and another amount with the same key is refused', async () => {
  const id = await placed();
  const first = await change(id, 'payOrder', 'amountCents: 500, idempotencyKey: "first"');
  expect(await change(id, 'payOrder', 'amountCents: 500, idempotencyKey: "first"')).toEqual(first);
  expect(await change(id, 'payOrder', 'amountCents: 5, idempotencyKey: "first"')).toMatchObject({
    __typename: 'IdempotencyKeyReused',
  });
  expect(await find(id)).toMatchObject({ paidCents: 500 });
});

test('fifty payments at once lose no cent, and take no cent too many', async () => {
  const id = await placed();
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, () => change(id, 'payOrder', 'amountCents: 100')),
  );
  const paid = outcomes.filter(({ __typename }) => ['Placed', 'Paid'].includes(__typename));
  expect(paid).toHaveLength(25);
  expect(await find(id)).toMatchObject({ phase: 'PAID', paidCents: 2500 });
});

test('a shipped order cannot be cancelled, and the answer names the events that it accepts', async () => {
  const id = await placed();
  await change(id, 'payOrder', 'amountCents: 2500');
  await change(id, 'shipOrder', 'carrier: "Hermes", trackingNumber: "T2"');
  expect(await change(id, 'cancelOrder', 'reason: "changed my mind"')).toEqual({
    __typename: 'IllegalOrderTransition',
    message: 'Cancellation is not possible in Shipped, which accepts Delivery.',
  });
});

test('data that break a rule are refused, and the error names each argument and its rule', async () => {
  const id = await draft();
  const { errors = [] } = await ask(
    server,
    `mutation ($id: ID!) { placeOrder(id: $id, customer: "", totalCents: 0) { ${OUTCOME} } }`,
    { id },
  );
  expect(errors[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    fields: [
      expect.objectContaining({ path: 'customer' }),
      expect.objectContaining({ path: 'totalCents' }),
    ],
  });
});

test('the history shows the data of each event', async () => {
  const id = await placed();
  await change(id, 'payOrder', 'amountCents: 700');
  const { data } = await ask(
    server,
    `query ($id: ID!) { order(id: $id) { history { nodes { event to data { customer totalCents amountCents } } } } }`,
    { id },
  );
  expect(data.order.history.nodes).toEqual([
    { event: 'DRAFTING', to: 'DRAFT', data: null },
    {
      event: 'PLACEMENT',
      to: 'PLACED',
      data: { customer: 'Ada', totalCents: 2500, amountCents: null },
    },
    {
      event: 'PAYMENT',
      to: 'PLACED',
      data: { customer: null, totalCents: null, amountCents: 700 },
    },
  ]);
});
