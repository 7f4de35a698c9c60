/**
 * The order: the list of its states and events, and a class for each state. A class has methods only for the events
 * that its state accepts. Pure: no database, no clock, no randomness.
 */
import {
  type EventData,
  type Moment,
  type OccurredAtOutOfRange,
  Refusal,
  classes,
  int,
  machine,
  moment,
  text,
} from 'persistent-machine/machine';

const customer = text({ min: 1, max: 255, says: 'Who ordered.' });
const totalCents = int({ min: 1, says: 'What the order costs, in cents.' });
const amountCents = int({ min: 1, says: 'What is paid with this payment, in cents.' });
const carrier = text({ min: 1, max: 255, says: 'Who carries the parcel.' });
const trackingNumber = text({ min: 1, max: 255, says: 'The carrier’s number of the parcel.' });
const reason = text({ min: 1, max: 255, says: 'Why the order was cancelled.' });

const PLACED = ['customer', 'totalCents', 'paidCents', 'placedAt'] as const;
const SHIPPED = [...PLACED, 'paidAt', 'carrier', 'trackingNumber', 'shippedAt'] as const;

/** Refuses a payment of more than is due. The customer can retry with what is due. */
export class Overpaid extends Refusal {
  static readonly says = 'The payment is more than what is due.';
  static override readonly fields = { dueCents: int({ says: 'What is due, in cents.' }) };
  override readonly message: string;

  constructor(readonly dueCents: number) {
    super();
    this.message = `Only ${dueCents} cents are due.`;
  }
}

export const order = machine('Order', {
  says: 'An order, from its draft to its delivery.',
  columns: {
    customer,
    totalCents,
    paidCents: int({ says: 'What was paid so far, in cents.' }),
    carrier,
    trackingNumber,
    reason,
    placedAt: moment({ says: 'When it was placed.' }),
    paidAt: moment({ says: 'When the last payment came.' }),
    shippedAt: moment({ says: 'When it was shipped.' }),
    deliveredAt: moment({ says: 'When it was delivered.' }),
    cancelledAt: moment({ says: 'When it was cancelled.' }),
  },
  initial: { event: 'Drafting', to: 'Draft' },
  events: {
    Drafting: { verb: 'draft', at: 'createdAt', says: 'A customer begins an order.' },
    Placement: {
      verb: 'place',
      at: 'placedAt',
      data: { customer, totalCents },
      sets: ['paidCents'],
      says: 'The customer places the order.',
    },
    Payment: {
      verb: 'pay',
      at: 'paidAt',
      data: { amountCents },
      sets: ['paidCents'],
      refusals: [Overpaid],
      says: 'The customer pays the order, or a part of it.',
    },
    Shipment: {
      verb: 'ship',
      at: 'shippedAt',
      data: { carrier, trackingNumber },
      says: 'The parcel is handed to the carrier.',
    },
    Delivery: { verb: 'deliver', at: 'deliveredAt', says: 'The parcel arrives.' },
    Cancellation: {
      verb: 'cancel',
      at: 'cancelledAt',
      data: { reason },
      says: 'The order is given up.',
    },
  },
  states: {
    Draft: {
      says: 'Being written, and not placed yet.',
      accepts: { Placement: 'Placed', Cancellation: 'Cancelled' },
    },
    Placed: {
      says: 'Placed, and not paid in full.',
      has: PLACED,
      may: ['paidAt'],
      accepts: { Payment: ['Placed', 'Paid'], Cancellation: 'Cancelled' },
    },
    Paid: {
      says: 'Paid in full.',
      has: [...PLACED, 'paidAt'],
      accepts: { Shipment: 'Shipped', Cancellation: 'Cancelled' },
    },
    Shipped: { says: 'On its way.', has: SHIPPED, accepts: { Delivery: 'Delivered' } },
    Delivered: { says: 'Delivered. Nothing follows.', has: [...SHIPPED, 'deliveredAt'] },
    Cancelled: {
      says: 'Given up. Nothing follows.',
      has: ['reason', 'cancelledAt'],
      may: [...PLACED, 'paidAt'],
    },
  },
});

type Reason = EventData<typeof order, 'Cancellation'>;

export class Draft extends order.phase('Draft') {
  place(data: EventData<typeof order, 'Placement'>, at: Moment): Placed | OccurredAtOutOfRange {
    return this.become(Placed, 'Placement', at, { ...data, paidCents: 0 });
  }

  cancel(data: Reason, at: Moment): Cancelled | OccurredAtOutOfRange {
    return this.become(Cancelled, 'Cancellation', at, data);
  }
}

export class Placed extends order.phase('Placed') {
  /** Accepts a payment in parts, but never more than is due. */
  pay(
    { amountCents: paid }: EventData<typeof order, 'Payment'>,
    at: Moment,
  ): Placed | Paid | Overpaid | OccurredAtOutOfRange {
    const due = this.state.totalCents - this.state.paidCents;
    if (paid > due) return new Overpaid(due);
    const paidCents = this.state.paidCents + paid;
    return paid === due
      ? this.become(Paid, 'Payment', at, { paidCents })
      : this.become(Placed, 'Payment', at, { paidCents });
  }

  cancel(data: Reason, at: Moment): Cancelled | OccurredAtOutOfRange {
    return this.become(Cancelled, 'Cancellation', at, data);
  }
}

export class Paid extends order.phase('Paid') {
  ship(data: EventData<typeof order, 'Shipment'>, at: Moment): Shipped | OccurredAtOutOfRange {
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
