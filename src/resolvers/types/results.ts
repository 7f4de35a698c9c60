/**
 * What a mutation may answer: a life, or why not. Each error is a view of an error of the machine; the one
 * table from those to these is `refusalTypeOf`.
 */
import { Field, ID, InterfaceType, ObjectType, createUnionType } from 'type-graphql';
import {
  IdempotencyKeyReused,
  IllegalTransition,
  type LifeEvent,
  type LifeState,
  NotFound,
  type OccurredAtOutOfRange,
  type Phase,
} from '../../machine';
import { DateTime } from 'persistent-machine/graphql/DateTime';
import { AliveType, DeadType, LifeType, lifeTypeOf } from './Life';
import { LifeEventEnum, PhaseEnum } from './enums';

@InterfaceType('TransitionError', {
  description:
    'What went wrong, for a person; the type’s name is the code for a program. Nothing was changed.',
})
export abstract class TransitionErrorType {
  @Field(() => String, { description: 'What went wrong, in a sentence.' })
  readonly message: string;

  constructor({ message }: { readonly message: string }) {
    this.message = message;
  }
}

@ObjectType('LifeNotFound', {
  implements: TransitionErrorType,
  description: 'There is no life with this id.',
})
export class LifeNotFoundType extends TransitionErrorType {
  @Field(() => ID, { description: 'The id that was asked for.' })
  readonly id: string;

  constructor(error: NotFound) {
    super(error);
    this.id = error.id;
  }
}

@ObjectType('IllegalTransition', {
  implements: TransitionErrorType,
  description: 'The life does not accept this event in its phase.',
})
export class IllegalTransitionType extends TransitionErrorType {
  @Field(() => LifeEventEnum, { description: 'The event that was refused.' })
  readonly event: LifeEvent;

  @Field(() => PhaseEnum, { description: 'The phase that refused it.' })
  readonly from: LifeState;

  @Field(() => [LifeEventEnum], { description: 'What that phase accepts.' })
  readonly nextEvents: readonly LifeEvent[];

  @Field(() => LifeType, {
    description: 'The life as it is now: the loser of a race sees in its history who won.',
  })
  readonly life: LifeType;

  constructor(error: IllegalTransition<Phase, LifeEvent>) {
    super(error);
    this.event = error.event;
    this.from = error.from;
    this.nextEvents = error.nextEvents;
    this.life = lifeTypeOf(error.phase);
  }
}

@ObjectType('OccurredAtOutOfRange', {
  implements: TransitionErrorType,
  description: '`occurredAt` lies before the life’s last transition, or in the future.',
})
export class OccurredAtOutOfRangeType extends TransitionErrorType {
  @Field(() => DateTime, { description: 'When the last transition occurred.' })
  readonly earliest: Date;

  @Field(() => DateTime, {
    description: 'Five seconds from now, or `earliest` where that is later.',
  })
  readonly latest: Date;

  constructor(error: OccurredAtOutOfRange) {
    super(error);
    this.earliest = error.earliest;
    this.latest = error.latest;
  }
}

@ObjectType('IdempotencyKeyReused', {
  implements: TransitionErrorType,
  description: 'The same key was used before, with another event or another `occurredAt`.',
})
export class IdempotencyKeyReusedType extends TransitionErrorType {
  @Field(() => String, { description: 'The key.' })
  readonly idempotencyKey: string;

  constructor(error: IdempotencyKeyReused) {
    super(error);
    this.idempotencyKey = error.idempotencyKey;
  }
}

const ERROR_TYPES = [
  LifeNotFoundType,
  IllegalTransitionType,
  OccurredAtOutOfRangeType,
  IdempotencyKeyReusedType,
] as const;

export const BirthResult = createUnionType({
  name: 'BirthResult',
  description: 'The life that was born, or why it was not.',
  types: () => [AliveType, ...ERROR_TYPES] as const,
});

export const DeathResult = createUnionType({
  name: 'DeathResult',
  description: 'The life that died, or why it did not.',
  types: () => [DeadType, ...ERROR_TYPES] as const,
});

type Refusal =
  NotFound | IllegalTransition<Phase, LifeEvent> | OccurredAtOutOfRange | IdempotencyKeyReused;
type RefusalType = InstanceType<(typeof ERROR_TYPES)[number]>;

/** The GraphQL view of why a transition was refused. */
export function refusalTypeOf(refusal: Refusal): RefusalType {
  if (refusal instanceof NotFound) return new LifeNotFoundType(refusal);
  if (refusal instanceof IllegalTransition) return new IllegalTransitionType(refusal);
  if (refusal instanceof IdempotencyKeyReused) return new IdempotencyKeyReusedType(refusal);
  return new OccurredAtOutOfRangeType(refusal);
}
