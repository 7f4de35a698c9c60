/**
 * The refusals of transitions, which are expected and so returned, never thrown; and the error for a corrupt record,
 * which is thrown. A machine's own refusals extend `Refusal`, and its declaration lists them with their events.
 */
import type { Columns } from './columns';
import type { MachinePhase } from './record';

/** A refusal. Its message is for people, its class and fields are for programs. */
export abstract class Refusal {
  /** The fields that a client may read beside the message. */
  static readonly fields: Columns = {};
  abstract readonly message: string;
}

/** The class of a machine's own refusal. */
export interface RefusalClass {
  new (...facts: never): Refusal;
  /** When this refusal is given, in a sentence for the readers of the schema. */
  readonly says: string;
  /** Each is a property of the refusal. */
  readonly fields: Columns;
}

/** The machine is in a state that does not accept this event. */
export class IllegalTransition<
  P extends MachinePhase = MachinePhase,
  E extends string = string,
> extends Refusal {
  readonly message: string;

  /**
   * @param event the event that the caller asked for
   * @param phase the present phase; the loser of a race sees here what the winner made
   */
  constructor(
    readonly event: E,
    readonly phase: P,
  ) {
    super();
    const { nextEvents, stateType } = phase;
    const accepted = nextEvents.length === 0 ? 'nothing any more' : nextEvents.join(', ');
    this.message = `${event} is not possible in ${stateType}, which accepts ${accepted}.`;
  }

  get from(): P['stateType'] {
    return this.phase.stateType;
  }

  get nextEvents(): P['nextEvents'] {
    return this.phase.nextEvents;
  }
}

/** `occurredAt` lies before the last transition, or in the future. */
export class OccurredAtOutOfRange extends Refusal {
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

/** No machine has this id. */
export class NotFound extends Refusal {
  readonly message: string;

  /** @param machine the name of the kind of machine, `Order` */
  constructor(
    readonly machine: string,
    readonly id: string,
  ) {
    super();
    this.message = `There is no ${words(machine)} ${id}.`;
  }
}

/** The caller used this key before, with another event, `occurredAt` or data. */
export class IdempotencyKeyReused extends Refusal {
  readonly message: string;

  constructor(readonly idempotencyKey: string) {
    super();
    this.message = `The idempotency key "${idempotencyKey}" was used for another request: take a new key.`;
  }
}

/** A record whose state and other columns disagree. It is thrown, since a client can do nothing about it. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord';

  /** @param why what is wrong with the record, as the end of a sentence */
  constructor(
    readonly record: { readonly id: string; readonly stateType: string },
    why: string,
  ) {
    super(`The record ${record.id} says ${record.stateType}, ${why}.`);
  }
}

/** `PurchaseOrder` in a sentence: purchase order. */
function words(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase();
}
