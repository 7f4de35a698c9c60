/**
 * Why a transition is refused (expected: these are returned, never thrown), and what is thrown when a
 * record cannot be. Generic, but for the one word "life" in the messages that people read.
 */

/** A refusal: `message` is for a person, the class and its facts are for a program. */
export abstract class TransitionError {
  abstract readonly message: string;
}

/** The machine does not accept this event in the state that it is in. */
export class IllegalTransition<
  Phase extends { readonly stateType: string; readonly nextEvents: readonly string[] },
  Event extends string = string,
> extends TransitionError {
  readonly message: string;

  /**
   * @param event what was asked for
   * @param life the phase that refused it, as it is now: the loser of a race sees here who won
   */
  constructor(
    readonly event: Event,
    readonly life: Phase,
  ) {
    super();
    const accepted = life.nextEvents.length === 0 ? 'nothing any more' : life.nextEvents.join(', ');
    this.message = `${event} is not possible in ${life.stateType}, which accepts ${accepted}.`;
  }

  get from(): Phase['stateType'] {
    return this.life.stateType;
  }

  get nextEvents(): Phase['nextEvents'] {
    return this.life.nextEvents;
  }
}

/** The guard on `occurredAt`: not before the last transition, and not in the future. */
export class OccurredAtOutOfRange extends TransitionError {
  readonly message: string;

  constructor(
    readonly occurredAt: Date,
    readonly earliest: Date,
    readonly latest: Date,
  ) {
    super();
    this.message =
      `occurredAt ${occurredAt.toISOString()} is out of range: ` +
      `the last transition occurred at ${earliest.toISOString()}, ` +
      `and the latest that is accepted now is ${latest.toISOString()}.`;
  }
}

/** There is no life with this id. */
export class LifeNotFound extends TransitionError {
  readonly message: string;

  constructor(readonly id: string) {
    super();
    this.message = `There is no life ${id}.`;
  }
}

/** The same idempotency key, with another event or another `occurredAt` than the first time. */
export class IdempotencyKeyReused extends TransitionError {
  readonly message: string;

  constructor(readonly idempotencyKey: string) {
    super();
    this.message = `The idempotency key "${idempotencyKey}" was used for something else.`;
  }
}

/** Thrown, since nobody should ever see it: a record whose state and other columns disagree. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord';

  constructor(readonly record: { readonly id: string; readonly stateType: string }) {
    super(`The record ${record.id} says ${record.stateType}, which its other columns contradict.`);
  }
}
