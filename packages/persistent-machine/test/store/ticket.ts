/** A ticket: its beginning carries data, of every kind. */
import {
  type Moment,
  type OccurredAtOutOfRange,
  classes,
  flag,
  int,
  machine,
  moment,
  text,
} from '../../src/machine';

const title = text({ min: 1, max: 100, says: 'What it is about.' });
const number = int({ min: 1, says: 'By which people know it.' });
const isUrgent = flag({ says: 'Whether it must be done at once.' });
const promisedAt = moment({ says: 'By when it must be done.' });

export const ticket = machine('Ticket', {
  says: 'A ticket: open, or closed.',
  columns: {
    title,
    number,
    isUrgent,
    promisedAt,
    closedAt: moment({ says: 'When it was closed.' }),
  },
  initial: { event: 'Opening', to: 'Opened' },
  events: {
    Opening: {
      verb: 'open',
      at: 'createdAt',
      says: 'Something is to be done.',
      data: { title, number, isUrgent, promisedAt },
    },
    Closing: { verb: 'close', at: 'closedAt', says: 'It is done.' },
  },
  states: {
    Opened: {
      says: 'To be done.',
      has: ['title', 'number', 'isUrgent', 'promisedAt'],
      accepts: { Closing: 'Done' },
    },
    Done: { says: 'Done.', has: ['title', 'number', 'isUrgent', 'promisedAt', 'closedAt'] },
  },
});

export class Opened extends ticket.phase('Opened') {
  close(at: Moment): Done | OccurredAtOutOfRange {
    return this.become(Done, 'Closing', at);
  }
}

export class Done extends ticket.phase('Done') {}

export const tickets = classes(ticket, { Opened, Done });
