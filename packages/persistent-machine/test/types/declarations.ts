/**
 * Faults that a declaration cannot have. Never runs: a test compares the compiler's errors with these comments. One
 * fault must not hide another, so few machines have all of them.
 */
import { Refusal, flag, int, machine, moment, text } from '../../src/machine';

class Closed extends Refusal {
  static readonly says = 'The shop is closed.';
  readonly message = 'The shop is closed.';
}

class Unsaid extends Refusal {
  readonly message = 'It is not said when this is given.';
}

class Unlike extends Refusal {
  static readonly says = 'It declares another field than it has.';
  static override readonly fields = { dueCents: int({ says: 'What is due.' }) };
  readonly message = 'Too much.';
  readonly due = 5;
}

export const names = machine('Names', {
  says: 'A machine with names that are wrong.',
  // @ts-expect-error Type '"nameses"' is not assignable to type '"a machine has plural, bare, says, columns, initial, events and states"'.
  plurals: 'nameses',
  columns: { openedAt: moment({ says: 'When it was opened.' }), note: text({ says: 'A note.' }) },
  initial: {
    // @ts-expect-error Type '"Beginning"' is not assignable to type '"Start" | "Opening" | "Shutting"'.
    event: 'Beginning',
    to: 'Shut',
    // @ts-expect-error is not assignable to type '"initial has event and to; the rest belongs to the event"'.
    data: { note: text({ says: 'A note.' }) },
  },
  events: {
    Start: { verb: 'start', at: 'openedAt', says: 'It begins.' },
    // @ts-expect-error Type '"openAt"' is not assignable to type '"openedAt"'.
    Opening: { verb: 'open', at: 'openAt', says: 'It is opened.' },
    // @ts-expect-error Type '"note"' is not assignable to type '"openedAt"'.
    Shutting: { verb: 'shut', at: 'note', says: 'It is shut.' },
  },
  states: {
    // @ts-expect-error Type '"Opne"' is not assignable to type '"Shut" | "Open"'.
    Shut: { says: 'Shut.', accepts: { Opening: 'Opne' } },
    Open: {
      says: 'Open.',
      // @ts-expect-error Type '"openAt"' is not assignable to type '"openedAt" | "note"'.
      has: ['openAt'],
      // @ts-expect-error Type '"nota"' is not assignable to type '"openedAt" | "note"'.
      may: ['nota'],
      // @ts-expect-error Type '"Shut"' is not assignable to type '"no event has the name Shuting"'.
      accepts: { Shuting: 'Shut' },
    },
  },
});

export const beginnings = machine('Beginnings', {
  says: 'A machine whose beginning is wrong.',
  columns: {
    // @ts-expect-error Type 'MomentColumn' is not assignable to type '"the record of every machine has updatedAt already"'.
    updatedAt: moment({ says: 'When it was changed.' }),
    customer: text({ says: 'Who began it.' }),
    endedAt: moment({ says: 'When it ended.' }),
  },
  // @ts-expect-error Type '"Begun"' is not assignable to type '"Begun has customer, which must be in the data of Beginning"'.
  initial: { event: 'Beginning', to: 'Begun' },
  events: {
    Beginning: {
      verb: 'begin',
      // @ts-expect-error Type '"endedAt"' is not assignable to type '"createdAt"'.
      at: 'endedAt',
      says: 'It begins.',
      // @ts-expect-error is not assignable to type '"Beginning begins the machine: no class computes a column, so its data must say it"'.
      sets: ['customer'],
      // @ts-expect-error is not assignable to type '"Beginning begins the machine: no class refuses it"'.
      refusals: [Closed],
    },
    // @ts-expect-error Type '"createdAt"' is not assignable to type '"createdAt belongs to Beginning alone"'.
    Ending: { verb: 'end', at: 'createdAt', says: 'It ends.' },
  },
  states: {
    Begun: { says: 'Begun.', has: ['customer'], accepts: { Ending: 'Ended' } },
    // @ts-expect-error Type '"Begun"' is not assignable to type '"Beginning begins the machine: no state accepts it"'.
    Ended: { says: 'Ended.', has: ['customer'], may: ['endedAt'], accepts: { Beginning: 'Begun' } },
  },
});

export const events = machine('Events', {
  says: 'A machine whose events are wrong.',
  columns: {
    paidCents: int({ says: 'What was paid.' }),
    note: text({ says: 'A note.' }),
    paidAt: moment({ says: 'When it was paid.' }),
  },
  initial: { event: 'Beginning', to: 'Unpaid' },
  events: {
    Beginning: { verb: 'begin', at: 'createdAt', says: 'It begins.' },
    // @ts-expect-error Property 'verb' is missing in type '{ at: "paidAt"; says: string; }'
    Reminder: { at: 'paidAt', says: 'It is asked for.' },
    // @ts-expect-error Property 'says' is missing in type '{ verb: string; at: "paidAt"; }'
    Dunning: { verb: 'dun', at: 'paidAt' },
    Payment: {
      verb: 'pay',
      at: 'paidAt',
      says: 'It is paid.',
      data: {
        // @ts-expect-error Type 'FlagColumn' is not assignable to type '"the column paidCents is of kind int"'.
        paidCents: flag({ says: 'Whether it was paid.' }),
        // @ts-expect-error Type 'MomentColumn' is not assignable to type '"paidAt takes the moment of an event, which the caller says as occurredAt"'.
        paidAt: moment({ says: 'When it was paid.' }),
        amountCents: int({ says: 'What is paid.' }),
      },
      // @ts-expect-error Type '"amountCents"' is not assignable to type '"note"'.
      sets: ['amountCents'],
      refusals: [
        Closed,
        // @ts-expect-error Property 'says' is missing in type 'typeof Unsaid' but required in type 'RefusalClass'.
        Unsaid,
        // @ts-expect-error is not assignable to type '"each field of a refusal must be a property of its objects, of the same kind"'.
        Unlike,
      ],
    },
    Refund: {
      verb: 'refund',
      at: 'paidAt',
      says: 'It is given back.',
      // @ts-expect-error Type '"paidAt"' is not assignable to type '"note" | "paidCents"'.
      sets: ['paidAt'],
      // @ts-expect-error is not assignable to type '"an event has verb, at, says, data, sets and refusals"'.
      refuses: [Closed],
    },
  },
  states: {
    Unpaid: { says: 'Unpaid.', may: ['paidAt'], accepts: { Payment: 'Paid', Refund: 'Unpaid' } },
    Paid: { says: 'Paid.', has: ['paidAt'], accepts: { Dunning: 'Paid', Reminder: 'Paid' } },
  },
});

export const states = machine('States', {
  says: 'A machine whose states are wrong.',
  columns: {
    frozenAt: moment({ says: 'When it was frozen.' }),
    thawedAt: moment({ says: 'When it was thawed.' }),
    degrees: int({ says: 'How cold it is.' }),
  },
  initial: { event: 'Beginning', to: 'Warm' },
  events: {
    Beginning: { verb: 'begin', at: 'createdAt', says: 'It begins.' },
    Freezing: { verb: 'freeze', at: 'frozenAt', says: 'It is frozen.' },
    Thawing: { verb: 'thaw', at: 'thawedAt', says: 'It is thawed.' },
  },
  states: {
    // @ts-expect-error Type '"Frozen"' is not assignable to type '"Frozen has degrees, which Warm may lack and Freezing does not set"'.
    Warm: { says: 'Warm.', accepts: { Freezing: 'Frozen' } },
    Frozen: {
      says: 'Frozen.',
      has: ['frozenAt', 'degrees'],
      // @ts-expect-error Type '"degrees"' is not assignable to type '"thawedAt"'.
      may: ['degrees'],
      // @ts-expect-error Type '"Warm"' is not assignable to type '"Warm neither has nor may have thawedAt, which takes the moment of Thawing"'.
      accepts: { Thawing: 'Warm' },
    },
    Boiling: {
      says: 'Boiling.',
      accepts: {
        // @ts-expect-error Type '"Warm"' is not assignable to type '"Warm neither has nor may have frozenAt, which takes the moment of Freezing"'.
        Freezing: ['Warm', 'Frozen'],
        // @ts-expect-error is not assignable to type '"Thawing leads to no state"'.
        Thawing: [],
      },
    },
    Melting: {
      says: 'Melting.',
      // @ts-expect-error is not assignable to type '"a state has says, has, may and accepts"'.
      acepts: { Thawing: 'Melting' },
    },
    // @ts-expect-error Property 'says' is missing in type '{}'
    Gone: {},
  },
});

// The compiler still knows the rest of a declaration with one wrong word, and accepts its classes.
export class Open extends names.phase('Open') {}
export class Gone extends states.phase('Gone') {}
