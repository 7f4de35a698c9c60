/** Tests a machine of six states with its full matrix, derived from its declaration: every event in every state. */
import { IllegalTransition, Refusal } from '../../src/machine';
import {
  Cancelled,
  Delivered,
  Draft,
  type OrderPhase,
  Overpaid,
  Placed,
  order,
  orders,
} from './order';
import { days, draft, draftedAt, id, made, now, phases, placed } from './orderPhases';

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

  test.each(orders.states)(
    '%s lists the events that it accepts, as the same array each time',
    (state) => {
      const accepted = new Set(
        orders.edges.filter(({ from }) => from === state).map(({ event }) => event),
      );
      expect(phases[state].nextEvents).toEqual([...accepted]);
      expect(phases[state].nextEvents).toBe(orders.nextEvents(state));
    },
  );

  test('it has its name and its plural', () => {
    expect(order).toMatchObject({ name: 'Order', plural: 'orders', bare: false });
  });
});

describe('what an order records', () => {
  test('a draft is version 1, and has no value of a later state', () => {
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

  test('a placement records its data, and what the class computes', () => {
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

  test('a delivered order keeps the columns of its state, and loses its carrier', () => {
    const { Delivered: delivered } = phases;
    expect(delivered).toBeInstanceOf(Delivered);
    expect(delivered.state).toMatchObject({ customer: 'Ann', shippedAt: days(3), carrier: null });
  });

  test('a cancelled order keeps all values that it had', () => {
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

  test('a value that a caller adds to the data reaches no column', () => {
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

  test('a transition does not change the phase that it starts from', () => {
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
