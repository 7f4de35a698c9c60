/** Tests the states that a declaration refuses, with a sentence for each. */
import { events, parcel, refuses, states, withPacked, withSent } from './parcel';

refuses([
  [
    'the state packed must be written like PartlyPaid',
    {
      ...parcel,
      initial: { event: 'Packing', to: 'packed' },
      states: { packed: states.Packed, Sent: states.Sent },
    },
  ],
  ['the state Sent says nothing', withSent({ says: '' })],
  ['the state Sent has colour, which is not a column', withSent({ may: ['fragile', 'colour'] })],
  ['the state Sent names grams twice', withSent({ may: ['fragile', 'grams'] })],
  [
    'the state Packed accepts Losing, but no event has this name',
    withPacked({ accepts: { Sending: 'Sent', Losing: 'Sent' } }),
  ],
  [
    'the state Packed accepts toString, but no event has this name',
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
    'the state Packed: Sending leads to Lost, but no state has this name',
    withPacked({ accepts: { Sending: ['Sent', 'Lost'] } }),
  ],
  [
    'the state Packed: Sending leads to Packed, which neither has nor may have sentAt, the column of its moment',
    withPacked({ accepts: { Sending: ['Sent', 'Packed'] } }),
  ],
  [
    'the state Packed: Sending leads to Sent, which has fragile: this state may lack it, and Sending does not set it',
    {
      ...withSent({ has: ['sender', 'grams', 'sentAt', 'fragile'], may: [] }),
      events: { ...events, Sending: { ...events.Sending, sets: [] } },
    },
  ],
  [
    'the state Lost is never reached from Packed',
    { ...parcel, states: { ...states, Lost: { says: 'Lost.' } } },
  ],
]);
