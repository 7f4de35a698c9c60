/** A door: a machine that takes the bare names, and goes round. */
import {
  type Moment,
  type OccurredAtOutOfRange,
  classes,
  machine,
  moment,
} from 'persistent-machine/machine';

export const door = machine('Door', {
  bare: true,
  says: 'A door: open or shut.',
  columns: {
    openedAt: moment({ says: 'When it was last opened.' }),
    shutAt: moment({ says: 'When it was last shut.' }),
  },
  initial: { event: 'Hanging', to: 'Shut' },
  events: {
    Hanging: { verb: 'hang', at: 'createdAt', says: 'A door is hung, and is shut.' },
    Opening: { verb: 'open', at: 'openedAt', says: 'A door is opened.' },
    Shutting: { verb: 'shut', at: 'shutAt', says: 'A door is shut.' },
  },
  states: {
    Shut: {
      says: 'Nobody comes through.',
      may: ['openedAt', 'shutAt'],
      accepts: { Opening: 'Open' },
    },
    Open: {
      says: 'Anybody comes through.',
      has: ['openedAt'],
      may: ['shutAt'],
      accepts: { Shutting: 'Shut' },
    },
  },
});

export class Shut extends door.phase('Shut') {
  open(at: Moment): Open | OccurredAtOutOfRange {
    return this.become(Open, 'Opening', at);
  }
}

export class Open extends door.phase('Open') {
  shut(at: Moment): Shut | OccurredAtOutOfRange {
    return this.become(Shut, 'Shutting', at);
  }
}

export const doors = classes(door, { Shut, Open });
