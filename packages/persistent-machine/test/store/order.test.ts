/** Tests orders, whose events carry data and have a refusal of their own. */
import {
  IdempotencyKeyReused,
  IllegalTransition,
  NotFound,
  OccurredAtOutOfRange,
} from '../../src/machine';
import { Cancelled, Overpaid, Paid, Placed, orders } from '../machine/order';
import { KeptMachines, anonymous, newId } from './KeptMachines';

let kept: KeptMachines<typeof orders>;
/** An order that no test touches, and its rows. */
let bystander: string;
let before: readonly object[];

const placement = { customer: 'Ada', totalCents: 300 };

async function placed(id = newId()): Promise<string> {
  await kept.store.begin(id, {}, anonymous);
  await kept.store.transition(id, 'Placement', placement, anonymous);
  return id;
}

const rowsOf = async (id: string): Promise<object[]> => {
  const { records, history } = await kept.contents();
  return [...records, ...history].filter(
    (row) => Reflect.get(row, 'id') === id || Reflect.get(row, 'order_id') === id,
  );
};

/** Runs an action, and expects that it changes no row. */
async function expectUnchanged<Result>(action: () => Promise<Result>): Promise<Result> {
  const contents = await kept.contents();
  const result = await action();
  expect(await kept.contents()).toEqual(contents);
  return result;
}

beforeAll(async () => {
  kept = await KeptMachines.of(orders);
  bystander = await placed();
  // It has used the same keys as the others.
  await kept.store.transition(
    bystander,
    'Payment',
    { amountCents: 1 },
    { ...anonymous, idempotencyKey: 'key' },
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

test('payments at once take no cent twice, and none beyond what is due', async () => {
  const id = await placed();
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, async () =>
      kept.store.transition(id, 'Payment', { amountCents: 10 }, anonymous),
    ),
  );
  expect(outcomes.filter((outcome) => outcome instanceof Placed)).toHaveLength(29);
  expect(outcomes.filter((outcome) => outcome instanceof Paid)).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome instanceof IllegalTransition)).toHaveLength(20);
  expect(await kept.store.find(id)).toMatchObject({ stateType: 'Paid', state: { paidCents: 300 } });
});

test('a key stays free after a refused attempt', async () => {
  const request = { ...anonymous, idempotencyKey: 'key' };
  const id = await placed();
  expect(
    await expectUnchanged(() =>
      kept.store.transition(id, 'Payment', { amountCents: 301 }, request),
    ),
  ).toEqual(new Overpaid(300));
  expect(await kept.store.transition(id, 'Payment', { amountCents: 300 }, request)).toBeInstanceOf(
    Paid,
  );
});

describe('a caller first learns', () => {
  const tooEarly = { ...anonymous, occurredAt: new Date(0), idempotencyKey: 'key' };

  test('that there is no such order, then that the key was used before', async () => {
    const stranger = newId();
    const pay = async (id: string): Promise<unknown> =>
      expectUnchanged(() => kept.store.transition(id, 'Payment', { amountCents: 1_000 }, tooEarly));
    expect(await pay(stranger)).toEqual(new NotFound('Order', stranger));
    const id = newId();
    await kept.store.begin(id, {}, anonymous);
    // The key is free, and a draft is not paid.
    expect(await pay(id)).toBeInstanceOf(IllegalTransition);
    await kept.store.transition(id, 'Placement', placement, {
      ...anonymous,
      idempotencyKey: 'key',
    });
    expect(await pay(id)).toEqual(new IdempotencyKeyReused('key'));
  });

  test('that the order itself refuses, then that the time is out of range', async () => {
    const id = await placed();
    const pay = async (amountCents: number): Promise<unknown> =>
      expectUnchanged(() => kept.store.transition(id, 'Payment', { amountCents }, tooEarly));
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
  'data that PostgreSQL could not return unchanged (%s) are an error, and nothing is sent',
  async (_what, reason) => {
    const id = await placed();
    const sent = await kept.statementsOf(async () => {
      await expect(
        kept.store.transition(id, 'Cancellation', { reason }, anonymous),
      ).rejects.toThrow(TypeError);
    });
    expect(sent).toEqual([]);
    expect(
      await kept.store.transition(id, 'Cancellation', { reason: 'a' }, anonymous),
    ).toBeInstanceOf(Cancelled);
  },
);

test('data need no statement more, and each statement has a clause for them', async () => {
  const id = await placed();
  const names = await kept.statementsOf(async () =>
    kept.store.transition(
      id,
      'Payment',
      { amountCents: 1 },
      { ...anonymous, idempotencyKey: 'once' },
    ),
  );
  expect(names).toEqual(['orders/find-with-key', 'orders/swap']);
  for (const { text } of kept.database.sent) expect(text).toMatch(/\bdata\b/);
});

test('one statement reads the same page of many histories, and another statement another page', async () => {
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
