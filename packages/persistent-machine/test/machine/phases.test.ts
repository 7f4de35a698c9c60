/** Tests how a phase is compared and copied, and how it is rebuilt from its record. */
import { CorruptRecord } from '../../src/machine';
import { order, orders } from './order';
import { draft, id, now, phases, placed } from './orderPhases';

describe('a phase', () => {
  test('has its record as its only property when code copies or compares it', () => {
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
        new CorruptRecord({ id, stateType: name }, 'which is not a state of Order'),
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
    expect(() => orders.match(draft, {} as never)).toThrow('match has no arm for Draft.');
  });
});
