/** A ticket, a small machine that is not bare: it is pending, and then settled. */
import {
  type Moment,
  type OccurredAtOutOfRange,
  classes,
  machine,
  moment,
} from 'persistent-machine/machine';

export const ticket = machine('Ticket', {
  says: 'A ticket: pending or settled.',
  columns: { settledAt: moment({ says: 'When it was settled.' }) },
  initial: { event: 'Raising', to: 'Pending' },
  events: {
    Raising: { verb: 'raise', at: 'createdAt', says: 'A ticket is raised.' },
    Settlement: { verb: 'settle', at: 'settledAt', says: 'A ticket is settled.' },
  },
  states: {
    Pending: { says: 'Raised, and not settled yet.', accepts: { Settlement: 'Settled' } },
    Settled: { says: 'Settled. Nothing follows.', has: ['settledAt'] },
  },
});

export class Pending extends ticket.phase('Pending') {
  settle(at: Moment): Settled | OccurredAtOutOfRange {
    return this.become(Settled, 'Settlement', at);
  }
}

export class Settled extends ticket.phase('Settled') {}

export const tickets = classes(ticket, { Pending, Settled });
