/** A machine of six states, by its full matrix: every state with every event, derived from its declaration. */
import {
  CorruptRecord,
  IllegalTransition,
  type MachineRecord,
  OccurredAtOutOfRange,
  Refusal,
  classes,
} from '../../src/machine';
import {
  Cancelled,
  Delivered,
  Draft,
  type OrderPhase,
  Overpaid,
  Paid,
  Placed,
  Shipped,
  order,
  orders,
} from './order';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';
const draftedAt = new Date('2026-01-01T00:00:00.000Z');
const days = (count: number): Date => new Date(draftedAt.getTime() + count * 86_400_000);
const now = days(10);

/** Performs an event that is known to be accepted. */
function made<O>(outcome: O): Exclude<O, Refusal> {
  if (outcome instanceof Refusal) throw new Error(outcome.message);
  // Of the union O, as the compiler does not see.
  return outcome as Exclude<O, Refusal>;
}

const draft = orders.begin(id, {}, draftedAt);
const placed = made(draft.place({ customer: 'Ann', totalCents: 500 }, { now: days(1) }));
const paid = made(placed.pay({ amountCents: 500 }, { now: days(2) }));
if (!(paid instanceof Paid)) throw new Error('All has been paid.');
const shipped = made(paid.ship({ carrier: 'Post' }, { now: days(3) }));
const phases: Readonly<Record<OrderPhase['stateType'], OrderPhase>> = {
  Draft: draft,
  Placed: placed,
  Paid: paid,
  Shipped: shipped,
  Delivered: made(shipped.deliver({ now: days(4) })),
  Cancelled: made(placed.cancel({ reason: 'late' }, { now: days(4) })),
};
const data = {
  Placement: { customer: 'Ann', totalCents: 500 },
  Payment: { amountCents: 500 },
  Shipment: { carrier: 'Post' },
  Delivery: {},
  Cancellation: { reason: 'late' },
};
const events = Object.keys(data) as (keyof typeof data)[];

/** Asks any phase for any event, as the engine does: no type says which data belong to which event. */
function ask(phase: OrderPhase, event: keyof typeof data): OrderPhase | Refusal {
  const step = orders.step(event) as (...said: unknown[]) => OrderPhase | Refusal;
  return step(phase, data[event], { now });
}

describe('the machine allows what its declaration says, and nothing else', () => {
  const matrix = orders.states.flatMap((from) =>
    events.map((event) => ({
      from,
      event,
      targets: orders.edges
        .filter((edge) => edge.from === from && edge.event === event)
        .map(({ to }) => to),
    })),
  );

  test.each(matrix.filter(({ targets }) => targets.length > 0))(
    '$event leads from $from to one of $targets',
    ({ event, from, targets }) => {
      const next = ask(phases[from], event);
      if (next instanceof Refusal) throw new Error(next.message);
      expect(targets).toContain(next.stateType);
      expect(next).toBeInstanceOf(orders.classes[next.stateType]);
      expect(next.occurredAt).toEqual(now);
      expect(next.state).toMatchObject({
        id,
        version: phases[from].state.version + 1,
        stateType: next.stateType,
        createdAt: draftedAt,
        updatedAt: now,
      });
      expect(orders.phaseOf({ ...next.state })).toEqual(next);
    },
  );

  test.each(matrix.filter(({ targets }) => targets.length === 0))(
    '$event is illegal in $from, which has no method for it',
    ({ event, from }) => {
      expect(ask(phases[from], event)).toEqual(new IllegalTransition(event, phases[from]));
      expect(phases[from]).not.toHaveProperty(order.declaration.events[event].verb);
    },
  );

  test('its states, events and edges are in the order of the declaration', () => {
    expect(orders.states).toEqual(Object.keys(phases));
    expect(orders.events).toEqual(['Drafting', ...events]);
    expect(orders.edges).toEqual([
      { event: 'Drafting', from: null, to: 'Draft' },
      { event: 'Placement', from: 'Draft', to: 'Placed' },
      { event: 'Cancellation', from: 'Draft', to: 'Cancelled' },
      { event: 'Payment', from: 'Placed', to: 'Placed' },
      { event: 'Payment', from: 'Placed', to: 'Paid' },
      { event: 'Cancellation', from: 'Placed', to: 'Cancelled' },
      { event: 'Shipment', from: 'Paid', to: 'Shipped' },
      { event: 'Cancellation', from: 'Paid', to: 'Cancelled' },
      { event: 'Delivery', from: 'Shipped', to: 'Delivered' },
    ]);
  });

  test.each(orders.states)('%s says which events it accepts, always in the same list', (state) => {
    const accepted = new Set(
      orders.edges.filter(({ from }) => from === state).map(({ event }) => event),
    );
    expect(phases[state].nextEvents).toEqual([...accepted]);
    expect(phases[state].nextEvents).toBe(orders.nextEvents(state));
  });

  test('it is called by its name, and many of it by the plural', () => {
    expect(order).toMatchObject({ name: 'Order', plural: 'orders', bare: false });
  });
});

describe('what an order records', () => {
  test('a draft is the first version, and has nothing of what comes later', () => {
    expect(draft).toBeInstanceOf(Draft);
    expect(draft.state).toEqual({
      id,
      version: 1,
      stateType: 'Draft',
      createdAt: draftedAt,
      updatedAt: draftedAt,
      customer: null,
      totalCents: null,
      paidCents: null,
      carrier: null,
      reason: null,
      placedAt: null,
      paidAt: null,
      shippedAt: null,
      deliveredAt: null,
      cancelledAt: null,
    });
  });

  test('a placement records what the customer says and what the class computes', () => {
    expect(placed.state).toEqual({
      ...draft.state,
      version: 2,
      stateType: 'Placed',
      updatedAt: days(1),
      customer: 'Ann',
      totalCents: 500,
      paidCents: 0,
      placedAt: days(1),
    });
  });

  test('a part of the payment leaves the order placed, and the rest makes it paid', () => {
    const partly = made(placed.pay({ amountCents: 200 }, { now: days(2) }));
    expect(partly).toBeInstanceOf(Placed);
    expect(partly.state).toMatchObject({ version: 3, paidCents: 200, paidAt: days(2) });
    const wholly = ask(partly, 'Payment');
    expect(wholly).toEqual(new Overpaid(300));
    expect(partly instanceof Placed && partly.pay({ amountCents: 300 }, { now })).toMatchObject({
      stateType: 'Paid',
      state: { version: 4, paidCents: 500, paidAt: now, placedAt: days(1) },
    });
  });

  test('a delivered order keeps what its state keeps, and its carrier is gone', () => {
    const { Delivered: delivered } = phases;
    expect(delivered).toBeInstanceOf(Delivered);
    expect(delivered.state).toMatchObject({ customer: 'Ann', shippedAt: days(3), carrier: null });
  });

  test('a cancelled order keeps what it had, be it much or nothing', () => {
    expect(phases.Cancelled).toBeInstanceOf(Cancelled);
    expect(phases.Cancelled.state).toMatchObject({ customer: 'Ann', paidAt: null, reason: 'late' });
    const early = made(draft.cancel({ reason: 'a mistake' }, { now }));
    expect(early.state).toEqual({
      ...draft.state,
      version: 2,
      stateType: 'Cancelled',
      updatedAt: now,
      reason: 'a mistake',
      cancelledAt: now,
    });
  });

  test('what a caller says beside the data reaches no column', () => {
    const said = { reason: 'late', id: 'another', version: 7, customer: 'Eve', carrier: 'Post' };
    const cancelled = made(placed.cancel(said, { now }));
    expect(cancelled.state).toEqual({
      ...placed.state,
      version: 3,
      stateType: 'Cancelled',
      updatedAt: now,
      reason: 'late',
      cancelledAt: now,
    });
  });

  test('a transition leaves the phase that it starts from as it was', () => {
    const before = { ...placed.state };
    placed.cancel({ reason: 'late' }, { now });
    expect(placed.state).toEqual(before);
  });

  test('each event says which columns it may change', () => {
    expect(Object.fromEntries(orders.events.map((event) => [event, orders.sets(event)]))).toEqual({
      Drafting: [],
      Placement: ['placedAt', 'customer', 'totalCents', 'paidCents'],
      Payment: ['paidAt', 'paidCents'],
      Shipment: ['shippedAt', 'carrier'],
      Delivery: ['deliveredAt'],
      Cancellation: ['cancelledAt', 'reason'],
    });
  });
});

describe('a phase', () => {
  test('is nothing but its record to what copies or compares it', () => {
    expect(Object.entries(placed)).toEqual([['state', placed.state]]);
    expect(Object.getOwnPropertyNames(placed)).toEqual(['state']);
    expect(placed).toEqual(orders.phaseOf({ ...placed.state }));
    expect(placed).not.toEqual(orders.phaseOf({ ...placed.state, version: 3 }));
  });

  test.each(orders.states)('is rebuilt from its record, here %s', (state) => {
    const rebuilt = orders.phaseOf({ ...phases[state].state });
    expect(rebuilt).toBeInstanceOf(orders.classes[state]);
    expect(rebuilt).toEqual(phases[state]);
    expect(rebuilt.occurredAt).toEqual(phases[state].occurredAt);
  });

  const flawed = orders.states.flatMap((state) => {
    const { has, may } = { has: [], may: [], ...order.declaration.states[state] };
    return Object.keys(order.declaration.columns).flatMap((column) => {
      const held = ([...has, ...may] as string[]).includes(column);
      const surely = (has as readonly string[]).includes(column);
      return [
        { state, column, value: undefined, why: `but does not say whether it has ${column}` },
        ...(surely ? [{ state, column, value: null, why: `but has no ${column}` }] : []),
        ...(held ? [] : [{ state, column, value: now, why: `but has ${column}` }]),
      ];
    });
  });

  test.each(flawed)('is not rebuilt as $state where $column is $value', (flaw) => {
    const record = { ...phases[flaw.state].state, [flaw.column]: flaw.value };
    const rebuild = (): unknown => orders.phaseOf(record);
    expect(rebuild).toThrow(CorruptRecord);
    expect(rebuild).toThrow(`The record ${id} says ${flaw.state}, ${flaw.why}.`);
  });

  test.each(['Lost', 'constructor', '__proto__', ''])(
    'is not rebuilt in the state "%s"',
    (name) => {
      expect(() => orders.phaseOf({ ...draft.state, stateType: name })).toThrow(
        new CorruptRecord({ id, stateType: name }, 'which is no state of Order'),
      );
    },
  );

  test('goes to its own arm of a match', () => {
    for (const state of orders.states) {
      const arms = Object.fromEntries(orders.states.map((name) => [name, () => name]));
      const told = orders.match(phases[state], {
        Draft: () => 'nothing',
        Placed: (phase) => phase.state.customer,
        Paid: (phase) => phase.state.paidAt,
        Shipped: (phase) => phase.state.carrier,
        Delivered: (phase) => phase.state.deliveredAt,
        Cancelled: (phase) => phase.state.reason,
        ...arms,
      });
      expect(told).toBe(state);
    }
    expect(() => orders.match(draft, {} as never)).toThrow('There is no arm for Draft.');
  });
});

describe('a step', () => {
  test('is made once for each event', () => {
    expect(orders.step('Payment')).toBe(orders.step('Payment'));
  });

  test('hands on the refusals that its event lists', () => {
    const outcome = orders.step('Payment')(placed, { amountCents: 501 }, { now });
    expect(outcome).toEqual(new Overpaid(500));
    const late = orders.step('Delivery')(shipped, {}, { now, occurredAt: days(2) });
    expect(late).toBeInstanceOf(OccurredAtOutOfRange);
  });

  test.each(['Drafting', 'Paymnet', 'constructor'])('does not exist for %s', (event) => {
    expect(() => orders.step(event as 'Payment')).toThrow(
      new TypeError(
        `No state of Order accepts ${event}; ` +
          'there are Placement, Payment, Shipment, Delivery, Cancellation.',
      ),
    );
  });

  /** The machine, but for what a shipped order makes of its delivery. */
  function delivering(
    outcome: (from: Shipped, delivered: MachineRecord) => unknown,
  ): () => unknown {
    class Otherwise extends Shipped {
      override deliver(): never {
        return outcome(this, phases.Delivered.state) as never;
      }
    }
    const shippedClass: typeof Shipped = Otherwise;
    const lifecycle = classes(order, { ...orders.classes, Shipped: shippedClass });
    const from = lifecycle.phaseOf(shipped.state);
    return () => lifecycle.step('Delivery')(from, {}, { now: days(4) });
  }
  const as = (record: MachineRecord): Delivered => new Delivered(record as Delivered['state']);

  test('takes what a class makes by itself, if it can be recorded', () => {
    expect(delivering((_, record) => as(record))()).toEqual(phases.Delivered);
  });

  class Holiday extends Refusal {
    readonly message = 'Nothing is delivered today.';
  }

  test.each<[string, (from: Shipped, delivered: MachineRecord) => unknown, string]>([
    [
      'another state',
      (from) => from,
      'Delivery has made Shipped Shipped, where it leads to Delivered.',
    ],
    [
      'an object of another class',
      (_, state) => ({ stateType: 'Delivered', state }),
      'Delivery has made Shipped Delivered, where it leads to Delivered.',
    ],
    [
      'a record of another state',
      (_, record) => as({ ...record, stateType: 'Shipped' }),
      'Delivery has made a Delivered whose record says Shipped.',
    ],
    [
      'another order',
      (_, record) => as({ ...record, id: 'another' }),
      `Delivery has made another machine of ${id}.`,
    ],
    [
      'a version too many',
      (_, record) => as({ ...record, version: 6 }),
      'Delivery follows version 4 by version 6.',
    ],
    [
      'another beginning',
      (_, record) => as({ ...record, createdAt: days(1) }),
      `Delivery has changed when ${id} began.`,
    ],
    [
      'a record that contradicts its state',
      (_, record) => as({ ...record, customer: null } as MachineRecord),
      'Delivery has made a Delivered, but has no customer.',
    ],
    [
      'the moment of another event',
      (_, record) => as({ ...record, paidAt: days(5) } as MachineRecord),
      'Delivery has made a Delivered that did not last occur at its deliveredAt.',
    ],
    [
      'a moment before the last one',
      (_, record) => {
        const moments = { placedAt: days(1), paidAt: days(1), shippedAt: days(1) };
        return as({ ...record, ...moments, deliveredAt: days(2) } as MachineRecord);
      },
      'Delivery occurred before what it follows, or at no time at all.',
    ],
    [
      'no time at all',
      (_, record) => as({ ...record, deliveredAt: new Date(NaN) } as MachineRecord),
      'Delivery has made a Delivered that did not last occur at its deliveredAt.',
    ],
    [
      'a refusal that its event does not list',
      () => new Holiday(),
      'deliver has refused with Holiday, which Delivery does not list.',
    ],
  ])('does not take %s', (_title, outcome, message) => {
    expect(delivering(outcome)).toThrow(new TypeError(message));
  });
});

test('the diagram has every edge, the beginning and the ends', () => {
  expect(orders.mermaid()).toBe(
    [
      'stateDiagram-v2',
      '    [*] --> Draft : Drafting',
      '    Draft --> Placed : Placement',
      '    Draft --> Cancelled : Cancellation',
      '    Placed --> Placed : Payment',
      '    Placed --> Paid : Payment',
      '    Placed --> Cancelled : Cancellation',
      '    Paid --> Shipped : Shipment',
      '    Paid --> Cancelled : Cancellation',
      '    Shipped --> Delivered : Delivery',
      '    Delivered --> [*]',
      '    Cancelled --> [*]',
    ].join('\n'),
  );
});
