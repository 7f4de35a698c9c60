/** The type `LifeSnapshot`: a life as it was, as a plain value. */
import { Field, Int, ObjectType } from 'type-graphql';
import type { LifeEvent, LifeState, Phase } from '../../machine';
import { DateTime } from 'persistent-machine/graphql/DateTime';
import { LifeEventEnum, PhaseEnum } from './enums';

@ObjectType('LifeSnapshot', {
  simpleResolvers: true,
  description:
    'A life as it was. It has no id and is no Node: equal ids mean equal objects, so the past must not overwrite the present in a client’s cache.',
})
export class LifeSnapshotType implements Omit<Phase['state'], 'id' | 'stateType'> {
  @Field(() => PhaseEnum, { description: 'Where the life was in its lifecycle.' })
  readonly phase: LifeState;

  @Field(() => Int, { description: 'Which version of the life this is.' })
  readonly version: number;

  @Field(() => DateTime, { description: 'When the life was conceived.' })
  readonly createdAt: Date;

  @Field(() => DateTime, { description: 'When this version was recorded.' })
  readonly updatedAt: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it was born; null: not by then.' })
  readonly bornAt: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When it died; null: not by then.' })
  readonly diedAt: Date | null;

  @Field(() => [LifeEventEnum], { description: 'What the life accepted then.' })
  readonly nextEvents: readonly LifeEvent[];

  constructor({ state, stateType, nextEvents }: Phase) {
    this.phase = stateType;
    this.version = state.version;
    this.createdAt = state.createdAt;
    this.updatedAt = state.updatedAt;
    this.bornAt = state.bornAt;
    this.diedAt = state.diedAt;
    this.nextEvents = nextEvents;
  }
}
