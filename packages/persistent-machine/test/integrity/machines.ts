/** Machines of these tests: an order with data, several targets and cycles, and a door, whose states form a cycle. */
import { flag, int, machine, moment, text } from '../../src/machine';

const says = 'Any description.';
const customer = text({ min: 1, max: 20, says: 'Who placed it.' });
const totalCents = int({ min: 1, max: 1_000_000, says: 'What it costs, in cents.' });
const code = text({ pattern: /^[A-Z]{2}-\d{3}$/, says: 'Where it goes.' });
const isGift = flag({ says: 'Whether it is wrapped.' });
const deliverBy = moment({ says: 'When it must be there.' });
// A word that PostgreSQL accepts as a name only in quotation marks.
const user = text({ says: 'Who drafted it.' });

export const order = machine('Order', {
  says: 'An order: drafted, placed, held up now and then, and paid, unless it is cancelled.',
  columns: {
    customer,
    totalCents,
    paidCents: int({ min: 0, says: 'What has been paid so far, in cents.' }),
    code,
    isGift,
    deliverBy,
    user,
    placedAt: moment({ says: 'When it was placed.' }),
    paidAt: moment({ says: 'When something was last paid.' }),
    heldAt: moment({ says: 'When it was last held up.' }),
    releasedAt: moment({ says: 'When it was last released.' }),
    cancelledAt: moment({ says: 'When it was cancelled.' }),
  },
  initial: { event: 'Drafting', to: 'Draft' },
  events: {
    Drafting: { verb: 'draft', at: 'createdAt', says, data: { user } },
    Placement: {
      verb: 'place',
      at: 'placedAt',
      says,
      data: { customer, totalCents, code, isGift, deliverBy },
      sets: ['paidCents'],
    },
    Payment: {
      verb: 'pay',
      at: 'paidAt',
      says,
      data: { amountCents: int({ min: 1, says: 'How much is paid, in cents.' }) },
      sets: ['paidCents'],
    },
    Holding: { verb: 'hold', at: 'heldAt', says },
    Release: { verb: 'release', at: 'releasedAt', says },
    Cancellation: { verb: 'cancel', at: 'cancelledAt', says, data: { reason: text({ says }) } },
  },
  states: {
    Draft: {
      says,
      may: ['user'],
      accepts: { Placement: 'Placed', Cancellation: 'Cancelled' },
    },
    Placed: {
      says,
      has: ['customer', 'totalCents', 'paidCents', 'code', 'isGift', 'deliverBy', 'placedAt'],
      may: ['user', 'paidAt', 'releasedAt'],
      accepts: { Payment: ['Placed', 'Paid'], Holding: 'Held', Cancellation: 'Cancelled' },
    },
    Held: {
      says,
      has: [
        'customer',
        'totalCents',
        'paidCents',
        'code',
        'isGift',
        'deliverBy',
        'placedAt',
        'heldAt',
      ],
      may: ['paidAt', 'releasedAt'],
      accepts: { Release: 'Placed' },
    },
    Paid: {
      says,
      has: [
        'customer',
        'totalCents',
        'paidCents',
        'code',
        'isGift',
        'deliverBy',
        'placedAt',
        'paidAt',
      ],
      may: ['user', 'releasedAt'],
    },
    Cancelled: { says, has: ['cancelledAt'], may: ['user', 'customer', 'totalCents'] },
  },
});

export const door = machine('Door', {
  bare: true,
  says: 'A door, which goes round.',
  columns: { movedAt: moment({ says: 'When it was last moved.' }) },
  initial: { event: 'Installation', to: 'Closed' },
  events: {
    Installation: { verb: 'install', at: 'createdAt', says },
    Opening: { verb: 'open', at: 'movedAt', says },
    Closing: { verb: 'close', at: 'movedAt', says },
    Locking: { verb: 'lock', at: 'movedAt', says },
    Unlocking: { verb: 'unlock', at: 'movedAt', says },
  },
  states: {
    Open: { says, has: ['movedAt'], accepts: { Closing: 'Closed' } },
    Closed: { says, may: ['movedAt'], accepts: { Opening: 'Open', Locking: 'Locked' } },
    Locked: { says, has: ['movedAt'], accepts: { Unlocking: 'Closed' } },
  },
});
