/** An order: a machine with data, several targets, a refusal of its own and payments in parts. */
import {
  type Moment,
  type OccurredAtOutOfRange,
  Refusal,
  classes,
  flag,
  int,
  machine,
  moment,
  text,
} from 'persistent-machine/machine';

const customer = text({ min: 2, max: 5, pattern: /^[^ ]/, says: 'Who placed it.' });
const totalCents = int({ min: 1, max: 100_000, says: 'What it costs.' });
const carrier = text({ max: 20, says: 'Who carries it.' });
const insured = flag({ says: 'Whether the carrier pays for what is lost.' });
const promisedFor = moment({ says: 'When the carrier promises to be there.' });

export class Overpaid extends Refusal {
  static readonly says = 'The payment is more than what is due.';
  static override readonly fields = {
    dueCents: int({ says: 'What is due.' }),
  };

  constructor(readonly dueCents: number) {
    super();
  }

  get message(): string {
    return `Only ${this.dueCents} are due.`;
  }
}

export const order = machine('Order', {
  says: 'An order: drafted, placed, paid and shipped, or cancelled.',
  columns: {
    customer,
    totalCents,
    paidCents: int({ says: 'What is paid so far.' }),
    carrier,
    insured,
    promisedFor,
    placedAt: moment({ says: 'When it was placed.' }),
    paidAt: moment({ says: 'When it was last paid.' }),
    shippedAt: moment({ says: 'When it was shipped.' }),
    cancelledAt: moment({ says: 'When it was cancelled.' }),
  },
  initial: { event: 'Drafting', to: 'Draft' },
  events: {
    Drafting: {
      verb: 'draft',
      at: 'createdAt',
      // No column of the order: only its history knows it.
      data: { channel: text({ max: 10, says: 'Where the customer began it.' }) },
      says: 'An order is begun.',
    },
    Placement: {
      verb: 'place',
      at: 'placedAt',
      data: { customer, totalCents },
      sets: ['paidCents'],
      says: 'A draft is placed.',
    },
    Payment: {
      verb: 'pay',
      at: 'paidAt',
      data: { amountCents: int({ min: 1, says: 'How much is paid.' }) },
      sets: ['paidCents'],
      refusals: [Overpaid],
      says: 'A part of what is due is paid, or all of it.',
    },
    Shipment: {
      verb: 'ship',
      at: 'shippedAt',
      data: { carrier, insured, promisedFor },
      says: 'A paid order is shipped.',
    },
    Cancellation: { verb: 'cancel', at: 'cancelledAt', says: 'An order is given up.' },
  },
  states: {
    Draft: { says: 'Not placed yet.', accepts: { Placement: 'Placed', Cancellation: 'Cancelled' } },
    Placed: {
      says: 'Placed, and not paid in full.',
      has: ['customer', 'totalCents', 'paidCents', 'placedAt'],
      may: ['paidAt'],
      accepts: { Payment: ['Placed', 'Paid'], Cancellation: 'Cancelled' },
    },
    Paid: {
      says: 'Paid in full.',
      has: ['customer', 'totalCents', 'paidCents', 'placedAt', 'paidAt'],
      accepts: { Shipment: 'InTransit' },
    },
    InTransit: {
      says: 'On its way.',
      has: [
        ...(['customer', 'totalCents', 'paidCents', 'placedAt', 'paidAt'] as const),
        ...(['carrier', 'insured', 'promisedFor', 'shippedAt'] as const),
      ],
    },
    Cancelled: {
      says: 'Given up.',
      has: ['cancelledAt'],
      may: ['customer', 'totalCents', 'paidCents', 'placedAt', 'paidAt'],
    },
  },
});

export class Draft extends order.phase('Draft') {
  place(
    said: { readonly customer: string; readonly totalCents: number },
    at: Moment<'Placement'>,
  ): Placed | OccurredAtOutOfRange {
    return this.become(Placed, 'Placement', at, { ...said, paidCents: 0 });
  }

  cancel(at: Moment<'Cancellation'>): Cancelled | OccurredAtOutOfRange {
    return this.become(Cancelled, 'Cancellation', at);
  }
}

export class Placed extends order.phase('Placed') {
  pay(
    { amountCents }: { readonly amountCents: number },
    at: Moment<'Payment'>,
  ): Placed | Paid | Overpaid | OccurredAtOutOfRange {
    const due = this.state.totalCents - this.state.paidCents;
    const paidCents = this.state.paidCents + amountCents;
    if (amountCents > due) return new Overpaid(due);
    return amountCents === due
      ? this.become(Paid, 'Payment', at, { paidCents })
      : this.become(Placed, 'Payment', at, { paidCents });
  }

  cancel(at: Moment<'Cancellation'>): Cancelled | OccurredAtOutOfRange {
    return this.become(Cancelled, 'Cancellation', at);
  }
}

export class Paid extends order.phase('Paid') {
  ship(
    said: { readonly carrier: string; readonly insured: boolean; readonly promisedFor: Date },
    at: Moment<'Shipment'>,
  ): InTransit | OccurredAtOutOfRange {
    return this.become(InTransit, 'Shipment', at, said);
  }
}

export class InTransit extends order.phase('InTransit') {}

export class Cancelled extends order.phase('Cancelled') {}

export const orders = classes(order, { Draft, Placed, Paid, InTransit, Cancelled });
