/** What states must not be, with a sentence for each. */
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
]);
