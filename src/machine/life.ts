/**
 * The life: the list of its states and events, and a class for each state. A class has methods only for the events
 * that its state accepts, so that an illegal transition does not compile. Pure: no database, no clock, no randomness.
 *
 * This is the file to replace when you put your own machine in.
 */
import {
  type EventIn,
  type Moment,
  type OccurredAtOutOfRange,
  type PhaseIn,
  type RecordOf,
  type StateIn,
  classes,
  machine,
  moment,
} from 'persistent-machine/machine';

/** All states and events of a life. Its tables, its GraphQL types and what PostgreSQL refuses are derived from it. */
export const life = machine('Life', {
  plural: 'lives',
  bare: true,
  says: 'A life: gestating, alive or dead.',
  columns: {
    bornAt: moment({ says: 'When it was born.' }),
    diedAt: moment({ says: 'When it died.' }),
  },
  initial: { event: 'Conception', to: 'Gestating' },
  events: {
    Conception: { verb: 'conceive', at: 'createdAt', says: 'A life begins.' },
    Birth: { verb: 'birth', at: 'bornAt', says: 'A gestating life is born.' },
    Death: { verb: 'die', at: 'diedAt', says: 'A life dies, be it born or not.' },
  },
  states: {
    Gestating: {
      says: 'Conceived, and not born yet.',
      accepts: { Birth: 'Alive', Death: 'Dead' },
    },
    Alive: {
      says: 'Born, and not dead yet.',
      has: ['bornAt'],
      accepts: { Death: 'Dead' },
    },
    Dead: {
      says: 'Died, born or not. Nothing follows.',
      has: ['diedAt'],
      may: ['bornAt'],
    },
  },
});

export class Gestating extends life.phase('Gestating') {
  birth(at: Moment): Alive | OccurredAtOutOfRange {
    return this.become(Alive, 'Birth', at);
  }

  /** A life may die before it is born; `bornAt` then stays null for good. */
  die(at: Moment): Dead | OccurredAtOutOfRange {
    return this.become(Dead, 'Death', at);
  }
}

export class Alive extends life.phase('Alive') {
  die(at: Moment): Dead | OccurredAtOutOfRange {
    return this.become(Dead, 'Death', at);
  }
}

/** The end. It must stay without methods: `new Dead(…).birth(…)` has to be a compile error. */
export class Dead extends life.phase('Dead') {}

export const lives = classes(life, { Gestating, Alive, Dead });

/** A life is in exactly one of these. */
export type Phase = PhaseIn<typeof lives>;
export type LifeState = StateIn<typeof lives>;
export type LifeEvent = EventIn<typeof lives>;

/** The phase that a record is in. @throws CorruptRecord where its state and timestamps disagree */
export function phaseOf(record: RecordOf<typeof lives>): Phase {
  return lives.phaseOf(record);
}

/** Handles a phase by its state. A missing case does not compile. */
export const match = lives.match.bind(lives);
