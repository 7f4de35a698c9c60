/** Orders, whose events carry data and are refused for a reason of their own: what their own data decide. */
import {
  IdempotencyKeyReused,
  IllegalTransition,
  NotFound,
  OccurredAtOutOfRange,
} from '../../src/machine';
import { Cancelled, Overpaid, Paid, Placed, orders } from '../machine/order';
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

test('a key is free where the first attempt was refused', async () => {
  const request = { ...nobody, idempotencyKey: 'key' };
  const id = await placed();
  expect(
    await inVain(() => kept.store.transition(id, 'Payment', { amountCents: 301 }, request)),
  ).toEqual(new Overpaid(300));
  expect(await kept.store.transition(id, 'Payment', { amountCents: 300 }, request)).toBeInstanceOf(
    Paid,
  );
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
