/** An order: six states with data, an event with two targets, and a refusal of its own. */
import {
  type Moment,
  type OccurredAtOutOfRange,
  type PhaseIn,
  Refusal,
  classes,
  int,
  machine,
  moment,
  text,
} from '../../src/machine';

const customer = text({ min: 1, max: 255, says: 'Who placed it.' });
const totalCents = int({ min: 1, says: 'What it costs, in cents.' });
const carrier = text({ max: 255, says: 'Who carries it.' });
const reason = text({ max: 255, says: 'Why it was cancelled.' });

export class Overpaid extends Refusal {
  static readonly says = 'The payment is more than what is due.';
  static override readonly fields = { dueCents: int({ says: 'What is due, in cents.' }) };
  readonly message: string;

  constructor(readonly dueCents: number) {
    super();
    this.message = `Only ${dueCents} cents are due.`;
  }
}

export const order = machine('Order', {
  says: 'An order: drafted, placed, paid, shipped and delivered, unless it is cancelled.',
  columns: {
    customer,
    totalCents,
    paidCents: int({ min: 0, says: 'What has been paid so far, in cents.' }),
    carrier,
    reason,
    placedAt: moment({ says: 'When it was placed.' }),
    paidAt: moment({ says: 'When something was last paid.' }),
    shippedAt: moment({ says: 'When it was shipped.' }),
    deliveredAt: moment({ says: 'When it was delivered.' }),
    cancelledAt: moment({ says: 'When it was cancelled.' }),
  },
  initial: { event: 'Drafting', to: 'Draft' },
  events: {
    Drafting: { verb: 'draft', at: 'createdAt', says: 'An order is begun.' },
    Placement: {
      verb: 'place',
      at: 'placedAt',
      says: 'A customer places it.',
      data: { customer, totalCents },
      sets: ['paidCents'],
    },
    Payment: {
      verb: 'pay',
      at: 'paidAt',
      says: 'The customer pays some of it, or the rest.',
      data: { amountCents: int({ min: 1, says: 'How much is paid, in cents.' }) },
      sets: ['paidCents'],
      refusals: [Overpaid],
    },
    Shipment: { verb: 'ship', at: 'shippedAt', says: 'A carrier takes it.', data: { carrier } },
    Delivery: { verb: 'deliver', at: 'deliveredAt', says: 'It arrives.' },
    Cancellation: {
      verb: 'cancel',
      at: 'cancelledAt',
      says: 'It is given up before it is shipped.',
      data: { reason },
    },
  },
  states: {
    Draft: {
      says: 'Begun, and not placed yet.',
      accepts: { Placement: 'Placed', Cancellation: 'Cancelled' },
    },
    Placed: {
      says: 'Placed, and not wholly paid yet.',
      has: ['customer', 'totalCents', 'paidCents', 'placedAt'],
      may: ['paidAt'],
      accepts: { Payment: ['Placed', 'Paid'], Cancellation: 'Cancelled' },
    },
    Paid: {
      says: 'Paid, and not shipped yet.',
      has: ['customer', 'totalCents', 'paidCents', 'placedAt', 'paidAt'],
      accepts: { Shipment: 'Shipped', Cancellation: 'Cancelled' },
    },
    Shipped: {
      says: 'On its way.',
      has: ['customer', 'totalCents', 'paidCents', 'placedAt', 'paidAt', 'carrier', 'shippedAt'],
      accepts: { Delivery: 'Delivered' },
    },
    Delivered: {
      says: 'Arrived. Its carrier does not matter any more.',
      has: [
        'customer',
        'totalCents',
        'paidCents',
        'placedAt',
        'paidAt',
        'shippedAt',
        'deliveredAt',
      ],
    },
    Cancelled: {
      says: 'Given up. Nothing follows.',
      has: ['reason', 'cancelledAt'],
      may: ['customer', 'totalCents', 'paidCents', 'placedAt', 'paidAt'],
    },
  },
});

interface Reason {
  readonly reason: string;
}

export class Draft extends order.phase('Draft') {
  place(
    data: { readonly customer: string; readonly totalCents: number },
    at: Moment,
  ): Placed | OccurredAtOutOfRange {
    return this.become(Placed, 'Placement', at, { ...data, paidCents: 0 });
  }

  cancel(data: Reason, at: Moment): Cancelled | OccurredAtOutOfRange {
    return this.become(Cancelled, 'Cancellation', at, data);
  }
}

export class Placed extends order.phase('Placed') {
  pay(
    { amountCents }: { readonly amountCents: number },
    at: Moment,
  ): Placed | Paid | Overpaid | OccurredAtOutOfRange {
    const { paidCents, totalCents: total } = this.state;
    const paid = paidCents + amountCents;
    if (paid > total) return new Overpaid(total - paidCents);
    return paid === total
      ? this.become(Paid, 'Payment', at, { paidCents: paid })
      : this.become(Placed, 'Payment', at, { paidCents: paid });
  }

  cancel(data: Reason, at: Moment): Cancelled | OccurredAtOutOfRange {
    return this.become(Cancelled, 'Cancellation', at, data);
  }
}

export class Paid extends order.phase('Paid') {
  ship(data: { readonly carrier: string }, at: Moment): Shipped | OccurredAtOutOfRange {
    return this.become(Shipped, 'Shipment', at, data);
  }

  cancel(data: Reason, at: Moment): Cancelled | OccurredAtOutOfRange {
    return this.become(Cancelled, 'Cancellation', at, data);
  }
}

export class Shipped extends order.phase('Shipped') {
  deliver(at: Moment): Delivered | OccurredAtOutOfRange {
    return this.become(Delivered, 'Delivery', at);
  }
}

export class Delivered extends order.phase('Delivered') {}

export class Cancelled extends order.phase('Cancelled') {}

export const orders = classes(order, { Draft, Placed, Paid, Shipped, Delivered, Cancelled });
export type OrderPhase = PhaseIn<typeof orders>;
