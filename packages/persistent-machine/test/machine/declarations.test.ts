/** Tests what a declaration makes, and with which sentences a wrong one is refused. */
import { classes, machine as checkedMachine } from '../../src/machine';
import { columns, grams, machine, parcel, refuses, sender, withPacking } from './parcel';

test('a declaration that keeps the rules makes a machine', () => {
  expect(machine('Parcel', parcel)).toMatchObject({
    name: 'Parcel',
    plural: 'parcels',
    bare: false,
  });
  expect(machine('Box', { ...parcel, plural: 'boxes', bare: true })).toMatchObject({
    plural: 'boxes',
    bare: true,
  });
});

test('one error names all faults, each on its own line', () => {
  expect(() => machine('parcel', { ...parcel, says: ' ' })).toThrow(
    new TypeError(
      'parcel: its name must be written like PurchaseOrder.\n' +
        'parcel: the machine says nothing: the readers of the schema see this sentence.',
    ),
  );
});

refuses([
  ['its plural, Parcels, must be written like purchaseOrders', { ...parcel, plural: 'Parcels' }],
  ['its plural must differ from its name', { ...parcel, plural: 'parcel' }],
  [
    'its initial event is Wrapping, but no event has this name',
    { ...parcel, initial: { event: 'Wrapping', to: 'Packed' } },
  ],
  [
    'its initial state is Wrapped, but no state has this name',
    { ...parcel, initial: { event: 'Packing', to: 'Wrapped' } },
  ],
  ['the state Packed has sender, which must be in the data of Packing', withPacking({ data: {} })],
]);

test('a machine that begins with data has them, and cannot begin without them', () => {
  const declared = checkedMachine('Parcel', {
    says: 'A parcel.',
    columns: { sender, sentAt: columns.sentAt },
    initial: { event: 'Packing', to: 'Packed' },
    events: {
      Packing: {
        verb: 'pack',
        at: 'createdAt',
        says: 'It is packed.',
        data: { sender, count: grams },
      },
      Sending: { verb: 'send', at: 'sentAt', says: 'It is sent.' },
    },
    states: {
      Packed: { says: 'Packed.', has: ['sender'], accepts: { Sending: 'Sent' } },
      Sent: { says: 'Sent.', has: ['sender', 'sentAt'] },
    },
  });
  class Sent extends declared.phase('Sent') {}
  class Packed extends declared.phase('Packed') {
    send(at: { readonly now: Date }): unknown {
      return this.become(Sent, 'Sending', at);
    }
  }
  const parcels = classes(declared, { Packed: Packed as never, Sent });
  const now = new Date(0);
  expect(parcels.begin('p', { sender: 'ann', count: 2 }, now)).toMatchObject({
    state: { id: 'p', version: 1, createdAt: now, updatedAt: now, sender: 'ann', sentAt: null },
  });
  expect(parcels.begin('p', { sender: 'ann', count: 2 }, now)).not.toHaveProperty('state.count');
  expect(() => parcels.begin('p', {} as never, now)).toThrow(
    new TypeError('Packing made a record that says Packed, but has no sender.'),
  );
});
