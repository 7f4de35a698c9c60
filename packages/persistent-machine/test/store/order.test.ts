/** Orders, whose events carry data, lead to several states, and are refused for a reason of their own. */
import {
  IdempotencyKeyReused,
  IllegalTransition,
  NotFound,
  OccurredAtOutOfRange,
} from '../../src/machine';
import { Cancelled, Draft, Overpaid, Paid, Placed, Shipped, orders } from '../machine/order';
import { KeptMachines, newId, nobody } from './KeptMachines';

let kept: KeptMachines<typeof orders>;
/** An order that no test touches, and what the tables hold of it. */
let bystander: string;
let before: readonly object[];

const placement = { customer: 'Ada', totalCents: 300 };

async function placed(id = newId()): Promise<string> {
  await kept.store.begin(id, {}, nobody);
  await kept.store.transition(id, 'Placement', placement, nobody);
  return id;
}

const rowsOf = async (id: string): Promise<object[]> => {
  const { records, history } = await kept.contents();
  return [...records, ...history].filter(
    (row) => Reflect.get(row, 'id') === id || Reflect.get(row, 'order_id') === id,
  );
};

/** Asks, and expects that it changes nothing. */
async function inVain<Result>(asking: () => Promise<Result>): Promise<Result> {
  const contents = await kept.contents();
  const result = await asking();
  expect(await kept.contents()).toEqual(contents);
  return result;
}

beforeAll(async () => {
  kept = await KeptMachines.of(orders);
  bystander = await placed();
  // It has used the keys that the others use.
  await kept.store.transition(
    bystander,
    'Payment',
    { amountCents: 1 },
    { ...nobody, idempotencyKey: 'key' },
  );
  before = await rowsOf(bystander);
  expect(before).toHaveLength(4);
});

afterEach(async () => {
  expect(await rowsOf(bystander)).toEqual(before);
});

afterAll(async () => {
  await kept.close();
});

test('an order goes its way, and its history has what was said at each step', async () => {
  const { store, reader } = kept;
  const id = newId();
  expect(await store.begin(id, {}, nobody)).toBeInstanceOf(Draft);
  expect(await store.transition(id, 'Placement', placement, nobody)).toMatchObject({
    state: { ...placement, paidCents: 0, paidAt: null },
  });
  expect(await store.transition(id, 'Payment', { amountCents: 100 }, nobody)).toBeInstanceOf(
    Placed,
  );
  expect(await store.transition(id, 'Payment', { amountCents: 200 }, nobody)).toBeInstanceOf(Paid);
  const shipped = await store.transition(
    id,
    'Shipment',
    { carrier: `a "b" \\ {}, NULL ü👶` },
    nobody,
  );
  expect(shipped).toBeInstanceOf(Shipped);
  expect(await store.find(id)).toEqual(shipped);

  const { nodes } = await reader.history(id, { from: 'start', size: 10 });
  expect(nodes.map(({ event, data, phase }) => [event, data, phase.stateType])).toEqual([
    ['Drafting', null, 'Draft'],
    ['Placement', placement, 'Placed'],
    ['Payment', { amountCents: 100 }, 'Placed'],
    ['Payment', { amountCents: 200 }, 'Paid'],
    ['Shipment', { carrier: `a "b" \\ {}, NULL ü👶` }, 'Shipped'],
  ]);
  const { nodes: feed } = await reader.feed(['Shipment'], { from: 'end', size: 1 });
  expect(feed).toEqual(nodes.slice(-1));
  expect(await reader.past(id, { version: 3 })).toEqual(nodes[2]?.phase);
});

test('of payments at once, no cent is paid twice or beyond what is due', async () => {
  const id = await placed();
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, async () =>
      kept.store.transition(id, 'Payment', { amountCents: 10 }, nobody),
    ),
  );
  expect(outcomes.filter((outcome) => outcome instanceof Placed)).toHaveLength(29);
  expect(outcomes.filter((outcome) => outcome instanceof Paid)).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome instanceof IllegalTransition)).toHaveLength(20);
  expect(await kept.store.find(id)).toMatchObject({ stateType: 'Paid', state: { paidCents: 300 } });
});

describe('a key that was used before', () => {
  const request = { ...nobody, idempotencyKey: 'key' };

  test('answers the first outcome where the same is said, in whatever order, whatever happened since', async () => {
    const id = newId();
    await kept.store.begin(id, {}, nobody);
    const first = await kept.store.transition(id, 'Placement', placement, request);
    await kept.store.transition(id, 'Cancellation', { reason: 'changed my mind' }, nobody);
    for (const again of [placement, { totalCents: 300, customer: 'Ada' }]) {
      expect(await inVain(() => kept.store.transition(id, 'Placement', again, request))).toEqual(
        first,
      );
    }
  });

  test('is reused where something else is said, whatever the order would say to that', async () => {
    const id = await placed();
    const paid = await kept.store.transition(id, 'Payment', { amountCents: 100 }, request);
    for (const amountCents of [99, 101, 10_000]) {
      expect(
        await inVain(() => kept.store.transition(id, 'Payment', { amountCents }, request)),
      ).toEqual(new IdempotencyKeyReused('key'));
    }
    expect(
      await inVain(() => kept.store.transition(id, 'Cancellation', { reason: '100' }, request)),
    ).toEqual(new IdempotencyKeyReused('key'));
    expect(
      await inVain(() => kept.store.transition(id, 'Payment', { amountCents: 100 }, request)),
    ).toEqual(paid);
  });

  test('is free where the first attempt was refused', async () => {
    const id = await placed();
    expect(
      await inVain(() => kept.store.transition(id, 'Payment', { amountCents: 301 }, request)),
    ).toEqual(new Overpaid(300));
    expect(
      await kept.store.transition(id, 'Payment', { amountCents: 300 }, request),
    ).toBeInstanceOf(Paid);
  });
});

describe('a caller is told first', () => {
  const tooEarly = { ...nobody, occurredAt: new Date(0), idempotencyKey: 'key' };

  test('that there is no such order, then what a key was used for', async () => {
    const stranger = newId();
    const pay = async (id: string): Promise<unknown> =>
      inVain(() => kept.store.transition(id, 'Payment', { amountCents: 1_000 }, tooEarly));
    expect(await pay(stranger)).toEqual(new NotFound('Order', stranger));
    const id = newId();
    await kept.store.begin(id, {}, nobody);
    // The key is free, and a draft is not paid.
    expect(await pay(id)).toBeInstanceOf(IllegalTransition);
    await kept.store.transition(id, 'Placement', placement, { ...nobody, idempotencyKey: 'key' });
    expect(await pay(id)).toEqual(new IdempotencyKeyReused('key'));
  });

  test('what the order itself refuses, then that the time is out of range', async () => {
    const id = await placed();
    const pay = async (amountCents: number): Promise<unknown> =>
      inVain(() => kept.store.transition(id, 'Payment', { amountCents }, tooEarly));
    expect(await pay(301)).toEqual(new Overpaid(300));
    expect(await pay(300)).toBeInstanceOf(OccurredAtOutOfRange);
  });
});

test.each([
  ['NUL', 'a\0b'],
  ['half a character', 'a\ud83d'],
  ['no text', 7 as unknown as string],
  ['nothing', undefined as unknown as string],
])(
  'data that would not come back as they were said (%s) are thrown, and nothing is sent',
  async (_what, reason) => {
    const id = await placed();
    const sent = await kept.statementsOf(async () => {
      await expect(kept.store.transition(id, 'Cancellation', { reason }, nobody)).rejects.toThrow(
        TypeError,
      );
    });
    expect(sent).toEqual([]);
    expect(await kept.store.transition(id, 'Cancellation', { reason: 'a' }, nobody)).toBeInstanceOf(
      Cancelled,
    );
  },
);

test('it needs no statement more for data, and its statements name them', async () => {
  const id = await placed();
  const names = await kept.statementsOf(async () =>
    kept.store.transition(id, 'Payment', { amountCents: 1 }, { ...nobody, idempotencyKey: 'once' }),
  );
  expect(names).toEqual(['orders/find-with-key', 'orders/swap']);
  for (const { text } of kept.database.sent) expect(text).toMatch(/\bdata\b/);
});

test('the same page of many histories is one statement, and another page is another', async () => {
  const ids = [bystander, await placed(), await placed()];
  const first = { from: 'start', size: 2 } as const;
  const names = await kept.statementsOf(async () => {
    const pages = await Promise.all([
      ...ids.map((id) => kept.reader.history(id, first)),
      ...ids.map((id) => kept.reader.history(id, { from: 'end', size: 1 })),
    ]);
    expect(pages.map(({ nodes }) => nodes.length)).toEqual([2, 2, 2, 1, 1, 1]);
  });
  expect(names).toHaveLength(2);
  expect(new Set(names).size).toBe(2);
});
