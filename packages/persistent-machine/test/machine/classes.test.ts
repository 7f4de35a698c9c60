/** Tests the classes that `classes()` refuses. */
import { classes } from '../../src/machine';
import { Cancelled, Delivered, Draft, Paid, Placed, Shipped, order } from './order';

describe('the classes of its states', () => {
  const all = { Draft, Placed, Paid, Shipped, Delivered, Cancelled };
  const put = (change: object): (() => unknown) => {
    const changed = { ...all, ...change };
    return () => (classes as (...put: unknown[]) => unknown)(order, changed);
  };

  test.each<[string, object]>([
    ['the state Paid has no class', { Paid: undefined }],
    ['the class Lost belongs to no state', { Lost: Draft }],
    ['the class of Paid must extend the base that Order makes for this state', { Paid: Placed }],
    [
      'the state Shipped accepts Delivery, but its class lacks deliver',
      { Shipped: order.phase('Shipped') },
    ],
    [
      'the state Delivered does not accept Cancellation, but its class has cancel',
      {
        Delivered: class extends order.phase('Delivered') {
          cancel(): void {
            throw new Error('Too late.');
          }
        },
      },
    ],
  ])('%s', (sentence, change) => {
    expect(put(change)).toThrow(new TypeError(`Order: ${sentence}.`));
  });

  test('a name that is not a state has no base class', () => {
    expect(() => order.phase('Lost' as 'Paid')).toThrow(
      new TypeError('Lost is not a state of Order.'),
    );
  });
});
