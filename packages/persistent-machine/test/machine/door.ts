/** A door, whose states form a cycle: one column takes the moments of all its events, and two events shut it. */
import {
  type Moment,
  type OccurredAtOutOfRange,
  type PhaseIn,
  classes,
  machine,
  moment,
} from '../../src/machine';

export const door = machine('Door', {
  says: 'A door: open, closed or locked.',
  columns: { movedAt: moment({ says: 'When it was last moved.' }) },
  initial: { event: 'Installation', to: 'Closed' },
  events: {
    Installation: { verb: 'install', at: 'createdAt', says: 'A door is put in.' },
    Opening: { verb: 'open', at: 'movedAt', says: 'It is opened.' },
    Closing: { verb: 'close', at: 'movedAt', says: 'It is closed by a hand.' },
    Slamming: { verb: 'slam', at: 'movedAt', says: 'It is closed by the wind.' },
    Locking: { verb: 'lock', at: 'movedAt', says: 'It is locked.' },
    Unlocking: { verb: 'unlock', at: 'movedAt', says: 'It is unlocked.' },
  },
  states: {
    Open: {
      says: 'People pass.',
      has: ['movedAt'],
      accepts: { Closing: 'Closed', Slamming: 'Closed' },
    },
    Closed: {
      says: 'People open it.',
      may: ['movedAt'],
      accepts: { Opening: 'Open', Locking: 'Locked' },
    },
    Locked: {
      says: 'Only a key opens it.',
      has: ['movedAt'],
      accepts: { Unlocking: 'Closed' },
    },
  },
});

export class Open extends door.phase('Open') {
  // Both lead to one state, so their moments say which event they are of.
  close(at: Moment<'Closing'>): Closed | OccurredAtOutOfRange {
    return this.become(Closed, 'Closing', at);
  }

  slam(at: Moment<'Slamming'>): Closed | OccurredAtOutOfRange {
    return this.become(Closed, 'Slamming', at);
  }
}

export class Closed extends door.phase('Closed') {
  open(at: Moment): Open | OccurredAtOutOfRange {
    return this.become(Open, 'Opening', at);
  }

  lock(at: Moment): Locked | OccurredAtOutOfRange {
    return this.become(Locked, 'Locking', at);
  }
}

export class Locked extends door.phase('Locked') {
  unlock(at: Moment): Closed | OccurredAtOutOfRange {
    return this.become(Closed, 'Unlocking', at);
  }
}

export const doors = classes(door, { Open, Closed, Locked });
export type DoorPhase = PhaseIn<typeof doors>;
