/** What a declaration must not say, when it is made: a sentence for each fault names its place and the rule. */
import {
  Refusal,
  classes,
  flag,
  int,
  machine as checkedMachine,
  moment,
  text,
} from '../../src/machine';
import { Cancelled, Delivered, Draft, Paid, Placed, Shipped, order } from './order';

// The compiler sees much of what is declared here. What is put together at run time, it does not see.
const machine = checkedMachine as (name: string, declaration: unknown) => unknown;

class Damaged extends Refusal {
  static readonly says = 'It is damaged.';
  readonly message = 'It is damaged.';
}

const sender = text({ min: 2, max: 10, pattern: /^[a-z]+$/, says: 'Who sends it.' });
const grams = int({ min: 1, max: 1000, says: 'What it weighs.' });
const columns = {
  sender,
  grams,
  fragile: flag({ says: 'Whether it breaks.' }),
  sentAt: moment({ says: 'When it was sent.' }),
};
const events = {
  Packing: { verb: 'pack', at: 'createdAt', says: 'It is packed.', data: { sender } },
  Sending: { verb: 'send', at: 'sentAt', says: 'It is sent.', data: { grams }, sets: ['fragile'] },
};
const states = {
  Packed: { says: 'Packed.', has: ['sender'], accepts: { Sending: 'Sent' } },
  Sent: { says: 'Sent.', has: ['sender', 'grams', 'sentAt'], may: ['fragile'] },
};
const parcel = {
  says: 'A parcel.',
  columns,
  initial: { event: 'Packing', to: 'Packed' },
  events,
  states,
};
const withColumn = (name: string, column: unknown): object => ({
  ...parcel,
  columns: { ...columns, [name]: column },
  events: { ...events, Sending: { ...events.Sending, sets: ['fragile', name] } },
  states: { ...states, Sent: { ...states.Sent, may: ['fragile', name] } },
});
const withSending = (change: object): object => ({
  ...parcel,
  events: { ...events, Sending: { ...events.Sending, ...change } },
});
const withPacking = (change: object): object => ({
  ...parcel,
  events: { ...events, Packing: { ...events.Packing, ...change } },
});
const withEvent = (name: string, event: object, change: object = {}): object => ({
  ...parcel,
  events: { ...events, [name]: { verb: 'lose', at: 'sentAt', says: 'It is lost.', ...event } },
  states: {
    ...states,
    Sent: { ...states.Sent, accepts: { [name]: 'Sent' }, ...change },
  },
});
const withPacked = (change: object): object => ({
  ...parcel,
  states: { ...states, Packed: { ...states.Packed, ...change } },
});
const withSent = (change: object): object => ({
  ...parcel,
  states: { ...states, Sent: { ...states.Sent, ...change } },
});

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

test('all faults are told at once, a line each', () => {
  expect(() => machine('parcel', { ...parcel, says: ' ' })).toThrow(
    new TypeError(
      'parcel: the name of a machine is written like PurchaseOrder.\n' +
        'parcel: the machine says nothing: its sentence is what the readers of the schema see.',
    ),
  );
});

const note = text({ says: 'A note.' });

test.each<[string, object]>([
  // The machine.
  ['its plural, Parcels, must be written like purchaseOrders', { ...parcel, plural: 'Parcels' }],
  ['its plural must differ from its name', { ...parcel, plural: 'parcel' }],
  [
    'Wrapping is to begin it, and no event is called so',
    { ...parcel, initial: { event: 'Wrapping', to: 'Packed' } },
  ],
  [
    'it is to begin Wrapped, and no state is called so',
    { ...parcel, initial: { event: 'Packing', to: 'Wrapped' } },
  ],
  ['the state Packed has sender, which must be in the data of Packing', withPacking({ data: {} })],
  // Columns.
  ['the column Note must be written like paidCents', withColumn('Note', note)],
  ['the column itemURL must be written like paidCents', withColumn('itemURL', note)],
  ['the column my_note must be written like paidCents', withColumn('my_note', note)],
  [
    'the column history has a name that the engine uses for every machine',
    withColumn('history', note),
  ],
  [
    'the column position has a name that the engine uses for every machine',
    withColumn('position', note),
  ],
  [
    'the column parcelId has a name that the engine uses for every machine',
    withColumn('parcelId', note),
  ],
  ['the column valueOf has the name of what every object has', withColumn('valueOf', note)],
  ['the column note says nothing', withColumn('note', text({ says: '' }))],
  [
    'the column note has the min -1, which is no whole number from 0 to',
    withColumn('note', text({ min: -1, says: 'A note.' })),
  ],
  [
    'the column note has the max 1.5, which is no whole number from 0 to',
    withColumn('note', text({ max: 1.5, says: 'A note.' })),
  ],
  [
    'the column note has a min above its max',
    withColumn('note', text({ min: 2, max: 1, says: 'A note.' })),
  ],
  [
    'the column note has a pattern that remembers',
    withColumn('note', text({ pattern: /a/g, says: 'A note.' })),
  ],
  [
    'the column cents has the max 2147483648, which is no whole number from -2147483648 to 2147483647',
    withColumn('cents', int({ max: 2 ** 31, says: 'Cents.' })),
  ],
  [
    'the column note is set by no event',
    { ...withSent({ may: ['fragile', 'note'] }), columns: { ...columns, note } },
  ],
  [
    'the column note is always null: no state has it, or may have it',
    { ...parcel, columns: { ...columns, note } },
  ],
  // Events.
  ['the event losing must be written like PartialPayment', withEvent('losing', {})],
  ['the event Losing says nothing', withEvent('Losing', { says: '' })],
  [
    'the event Losing has the verb Lose, which must be written like payInParts',
    withEvent('Losing', { verb: 'Lose' }),
  ],
  [
    'the event Losing has the verb become, which is something else on every phase',
    withEvent('Losing', { verb: 'become' }),
  ],
  [
    'the event Losing has the verb toString, which is something else on every phase',
    withEvent('Losing', { verb: 'toString' }),
  ],
  [
    'the event Losing has the verb then, which is something else on every phase',
    withEvent('Losing', { verb: 'then' }),
  ],
  [
    'the event Losing has the verb schedule, which is a mutation of every machine',
    withEvent('Losing', { verb: 'schedule' }),
  ],
  [
    'the verb send is that of Sending and Losing, and each needs its own',
    withEvent('Losing', { verb: 'send' }),
  ],
  ['the event Losing is accepted by no state', withEvent('Losing', {}, { accepts: {} })],
  [
    'the event Packing begins the machine, so its moment is createdAt',
    withPacking({ at: 'sentAt' }),
  ],
  [
    'the event Packing begins the machine: no class computes a column',
    withPacking({ sets: ['fragile'] }),
  ],
  [
    'the event Packing begins the machine: no class refuses it',
    withPacking({ refusals: [Damaged] }),
  ],
  [
    'the event Sending has its moment at createdAt, which is that of Packing alone',
    withSending({ at: 'createdAt' }),
  ],
  [
    'the event Sending has its moment at grams, which is no column of kind moment',
    withSending({ at: 'grams' }),
  ],
  [
    'the event Sending has its moment at lostAt, which is no column of kind moment',
    withSending({ at: 'lostAt' }),
  ],
  // Data, and what is set.
  [
    'the event Sending, its Grams must be written like paidCents',
    withSending({ data: { grams, Grams: grams } }),
  ],
  [
    'the event Sending, its id has the name of what is said with every event',
    withSending({ data: { grams, id: note } }),
  ],
  [
    'the event Sending, its note says nothing',
    withSending({ data: { grams, note: text({ says: '' }) } }),
  ],
  [
    'the event Sending, its grams is of kind text, where the column of this name is of kind int',
    withSending({ data: { grams: note } }),
  ],
  [
    'the event Sending, its grams has looser rules than the column of this name',
    withSending({ data: { grams: int({ min: 0, max: 5, says: 'Grams.' }) } }),
  ],
  [
    'the event Sending, its grams has looser rules than the column of this name',
    withSending({ data: { grams: int({ min: 1, says: 'Grams.' }) } }),
  ],
  [
    'the event Packing, its sender has looser rules than the column of this name',
    withPacking({ data: { sender: text({ min: 2, max: 10, says: 'Who.' }) } }),
  ],
  [
    'the event Sending sets colour, which is no column',
    withSending({ sets: ['fragile', 'colour'] }),
  ],
  [
    'the event Sending sets sentAt, which takes the moment of an event alone',
    withSending({ sets: ['fragile', 'sentAt'] }),
  ],
  [
    'the event Sending sets sentAt, which takes the moment of an event alone',
    withSending({ data: { grams, sentAt: columns.sentAt } }),
  ],
  ['the event Sending sets grams twice', withSending({ sets: ['fragile', 'grams'] })],
  [
    'the event Packing sets grams, which no state that it leads to keeps',
    withPacking({ data: { sender, grams } }),
  ],
  // Refusals.
  [
    'the event Sending lists the refusal Damaged twice',
    withSending({ refusals: [Damaged, Damaged] }),
  ],
  [
    'two of its refusals are called Damaged',
    withSending({
      refusals: [
        Damaged,
        class Damaged extends Refusal {
          static says = 'So.';
          message = '';
        },
      ],
    }),
  ],
  [
    'the refusal Other does not extend Refusal',
    withSending({
      refusals: [
        class Other extends Error {
          static says = 'So.';
          static fields = {};
        },
      ],
    }),
  ],
  [
    'the refusal NotFound has the name of one that every machine has',
    withSending({ refusals: [class NotFound extends Damaged {}] }),
  ],
  [
    'the refusal Silent says nothing',
    withSending({
      refusals: [
        class Silent extends Damaged {
          static override says = '' as 'It is damaged.';
        },
      ],
    }),
  ],
  [
    'the refusal Telling, its Due must be written like paidCents',
    withSending({
      refusals: [
        class Telling extends Damaged {
          static override fields = { Due: grams };
        },
      ],
    }),
  ],
  [
    'the refusal Telling declares message, which every refusal has',
    withSending({
      refusals: [
        class Telling extends Damaged {
          static override fields = { message: note };
        },
      ],
    }),
  ],
  // States.
  [
    'the state packed must be written like PartlyPaid',
    {
      ...parcel,
      initial: { event: 'Packing', to: 'packed' },
      states: { packed: states.Packed, Sent: states.Sent },
    },
  ],
  ['the state Sent says nothing', withSent({ says: '' })],
  ['the state Sent has colour, which is no column', withSent({ may: ['fragile', 'colour'] })],
  ['the state Sent names grams twice', withSent({ may: ['fragile', 'grams'] })],
  [
    'the state Packed accepts Losing, and no event is called so',
    withPacked({ accepts: { Sending: 'Sent', Losing: 'Sent' } }),
  ],
  [
    'the state Packed accepts toString, and no event is called so',
    withPacked({ accepts: { Sending: 'Sent', toString: 'Sent' } }),
  ],
  [
    'the state Packed accepts Packing, which begins the machine',
    withPacked({ accepts: { Sending: 'Sent', Packing: 'Packed' } }),
  ],
  [
    'the state Packed accepts Sending, which leads to no state',
    withPacked({ accepts: { Sending: [] } }),
  ],
  [
    'the state Packed: Sending leads to Sent twice',
    withPacked({ accepts: { Sending: ['Sent', 'Sent'] } }),
  ],
  [
    'the state Packed: Sending leads to Lost, and no state is called so',
    withPacked({ accepts: { Sending: ['Sent', 'Lost'] } }),
  ],
  [
    'the state Packed: Sending leads to Packed, which neither has nor may have sentAt, where its moment goes',
    withPacked({ accepts: { Sending: ['Sent', 'Packed'] } }),
  ],
  [
    'the state Packed: Sending leads to Sent, which has fragile; it may be lacking here, and Sending does not set it',
    {
      ...withSent({ has: ['sender', 'grams', 'sentAt', 'fragile'], may: [] }),
      events: { ...events, Sending: { ...events.Sending, sets: [] } },
    },
  ],
  [
    'the state Lost is never reached from Packed',
    { ...parcel, states: { ...states, Lost: { says: 'Lost.' } } },
  ],
])('%s', (sentence, declaration) => {
  const declare = (): unknown => machine('Parcel', declaration);
  expect(declare).toThrow(TypeError);
  expect(declare).toThrow(`Parcel: ${sentence}`);
});

describe('the classes of its states', () => {
  const all = { Draft, Placed, Paid, Shipped, Delivered, Cancelled };
  const put = (change: object): (() => unknown) => {
    const changed = { ...all, ...change };
    return () => (classes as (...put: unknown[]) => unknown)(order, changed);
  };

  test.each<[string, object]>([
    ['the state Paid has no class', { Paid: undefined }],
    ['the class Lost is of no state', { Lost: Draft }],
    ['the class of Paid must extend the base that Order gives for it', { Paid: Placed }],
    [
      'the state Shipped accepts Delivery, and its class lacks deliver',
      { Shipped: order.phase('Shipped') },
    ],
    [
      'the state Delivered does not accept Cancellation, and its class has cancel',
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

  test('there is no base for what is no state', () => {
    expect(() => order.phase('Lost' as 'Paid')).toThrow(
      new TypeError('Lost is no state of Order.'),
    );
  });
});

test('a machine that begins with data has them, and none begins without', () => {
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
    new TypeError('Packing begins Packed, but has no sender.'),
  );
});
