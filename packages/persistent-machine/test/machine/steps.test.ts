/** Tests the step of an event, and what it refuses from a class that makes its phases without `become`. */
import { type MachineRecord, OccurredAtOutOfRange, Refusal, classes } from '../../src/machine';
import { Delivered, Overpaid, Shipped, order, orders } from './order';
import { days, id, now, phases, placed, shipped } from './orderPhases';

describe('a step', () => {
  test('is made once for each event', () => {
    expect(orders.step('Payment')).toBe(orders.step('Payment'));
  });

  test('returns the refusals that its event lists', () => {
    const outcome = orders.step('Payment')(placed, { amountCents: 501 }, { now });
    expect(outcome).toEqual(new Overpaid(500));
    const late = orders.step('Delivery')(shipped, {}, { now, occurredAt: days(2) });
    expect(late).toBeInstanceOf(OccurredAtOutOfRange);
  });

  test.each(['Drafting', 'Paymnet', 'constructor'])('does not exist for %s', (event) => {
    expect(() => orders.step(event as 'Payment')).toThrow(
      new TypeError(
        `No state of Order accepts ${event}; ` +
          'its events are Placement, Payment, Shipment, Delivery, Cancellation.',
      ),
    );
  });

  /** The order's machine with another `deliver` in its class Shipped. */
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

  test('accepts a phase that a class makes by itself, if it can be recorded', () => {
    expect(delivering((_, record) => as(record))()).toEqual(phases.Delivered);
  });

  class Holiday extends Refusal {
    readonly message = 'Nothing is delivered today.';
  }

  test.each<[string, (from: Shipped, delivered: MachineRecord) => unknown, string]>([
    [
      'another state',
      (from) => from,
      'Delivery leads from Shipped to Delivered, but deliver returned an object of another class, in state Shipped.',
    ],
    [
      'an object of another class',
      (_, state) => ({ stateType: 'Delivered', state }),
      'Delivery leads from Shipped to Delivered, but deliver returned an object of another class, in state Delivered.',
    ],
    [
      'a record of another state',
      (_, record) => as({ ...record, stateType: 'Shipped' }),
      'Delivery made a Delivered whose record says Shipped.',
    ],
    [
      'another order',
      (_, record) => as({ ...record, id: 'another' }),
      `Delivery changed the id of ${id}.`,
    ],
    [
      'a version that is not the next',
      (_, record) => as({ ...record, version: 6 }),
      'Delivery made version 6 from version 4.',
    ],
    [
      'another beginning',
      (_, record) => as({ ...record, createdAt: days(1) }),
      `Delivery changed createdAt of ${id}.`,
    ],
    [
      'a record that contradicts its state',
      (_, record) => as({ ...record, customer: null } as MachineRecord),
      'Delivery made a record that says Delivered, but has no customer.',
    ],
    [
      'the moment of another event',
      (_, record) => as({ ...record, paidAt: days(5) } as MachineRecord),
      'Delivery made a Delivered whose deliveredAt is not the moment of its last transition.',
    ],
    [
      'a moment before the last one',
      (_, record) => {
        const moments = { placedAt: days(1), paidAt: days(1), shippedAt: days(1) };
        return as({ ...record, ...moments, deliveredAt: days(2) } as MachineRecord);
      },
      'Delivery occurred before the transition that it follows, or at an invalid date.',
    ],
    [
      'an invalid date',
      (_, record) => as({ ...record, deliveredAt: new Date(NaN) } as MachineRecord),
      'Delivery made a Delivered whose deliveredAt is not the moment of its last transition.',
    ],
    [
      'a refusal that its event does not list',
      () => new Holiday(),
      'deliver refused with Holiday, which Delivery does not list.',
    ],
  ])('does not accept %s', (_title, outcome, message) => {
    expect(delivering(outcome)).toThrow(new TypeError(message));
  });
});
