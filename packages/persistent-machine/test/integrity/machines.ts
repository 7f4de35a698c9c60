/** Machines of these tests' own: an order with data, several targets and cycles; and a door, which goes round. */
import type { AnyMachine } from '../../src/integrity/declaration';

const customer = { kind: 'text', min: 1, max: 20, says: 'Who placed it.' } as const;
const totalCents = { kind: 'int', min: 1, max: 1_000_000, says: 'What it costs.' } as const;

export const order = {
  name: 'Order',
  plural: 'orders',
  bare: false,
  declaration: {
    columns: {
      customer,
      totalCents,
      paidCents: { kind: 'int', min: 0, says: 'Paid so far.' },
      code: { kind: 'text', pattern: /^[A-Z]{2}-\d{3}$/, says: 'Where it goes.' },
      isGift: { kind: 'flag', says: 'Whether it is wrapped.' },
      deliverBy: { kind: 'moment', says: 'When it must be there.' },
      note: { kind: 'text', says: 'Whatever there is to say.' },
      placedAt: { kind: 'moment', says: 'When it was placed.' },
      paidAt: { kind: 'moment', says: 'When it was last paid for.' },
      heldAt: { kind: 'moment', says: 'When it was last held up.' },
      releasedAt: { kind: 'moment', says: 'When it was last released.' },
      cancelledAt: { kind: 'moment', says: 'When it was cancelled.' },
    },
    initial: { event: 'Drafting', to: 'Draft' },
    events: {
      Drafting: {
        at: 'createdAt',
        data: { note: { kind: 'text', says: '' } },
        verb: 'draft',
        says: '',
      },
      Placement: {
        verb: 'place',
        says: '',
        at: 'placedAt',
        data: {
          customer,
          totalCents,
          isGift: { kind: 'flag', says: '' },
          deliverBy: { kind: 'moment', says: '' },
          code: { kind: 'text', says: '' },
        },
        sets: ['paidCents'],
      },
      Payment: {
        verb: 'pay',
        says: '',
        at: 'paidAt',
        data: { amountCents: { kind: 'int', min: 1, says: '' } },
        sets: ['paidCents'],
      },
      Holding: { verb: 'hold', says: '', at: 'heldAt' },
      Release: { verb: 'release', says: '', at: 'releasedAt' },
      Cancellation: {
        verb: 'cancel',
        says: '',
        at: 'cancelledAt',
        data: { reason: { kind: 'text', says: '' } },
      },
    },
    states: {
      Draft: {
        says: '',
        may: ['note'],
        accepts: { Placement: 'Placed', Cancellation: 'Cancelled' },
      },
      Placed: {
        says: '',
        has: ['customer', 'totalCents', 'paidCents', 'code', 'isGift', 'deliverBy', 'placedAt'],
        may: ['note', 'paidAt', 'releasedAt'],
        accepts: { Payment: ['Placed', 'Paid'], Holding: 'Held', Cancellation: 'Cancelled' },
      },
      Held: {
        says: '',
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
        says: '',
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
        may: ['note', 'releasedAt'],
      },
      Cancelled: { says: '', has: ['cancelledAt'], may: ['note', 'customer', 'totalCents'] },
    },
  },
} as const satisfies AnyMachine;

export const door = {
  name: 'Door',
  plural: 'doors',
  bare: true,
  declaration: {
    columns: { movedAt: { kind: 'moment', says: 'When it was last moved.' } },
    initial: { event: 'Installation', to: 'Closed' },
    events: {
      Installation: { at: 'createdAt', verb: 'install', says: '' },
      Opening: { at: 'movedAt', verb: 'open', says: '' },
      Closing: { at: 'movedAt', verb: 'close', says: '' },
      Locking: { at: 'movedAt', verb: 'lock', says: '' },
      Unlocking: { at: 'movedAt', verb: 'unlock', says: '' },
    },
    states: {
      Open: { says: '', has: ['movedAt'], accepts: { Closing: 'Closed' } },
      Closed: { says: '', may: ['movedAt'], accepts: { Opening: 'Open', Locking: 'Locked' } },
      Locked: { says: '', has: ['movedAt'], accepts: { Unlocking: 'Closed' } },
    },
  },
} as const satisfies AnyMachine;
