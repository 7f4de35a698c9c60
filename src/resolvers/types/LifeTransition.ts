/**
 * The type `LifeTransition`, a view of one recorded change, and its connection. Its field `life` is
 * TransitionResolver's, since that asks the store.
 */
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { LifeEvent, LifeState, Phase } from '../../machine';
import type { Transition } from 'persistent-machine/store/transition';
import type { Page } from 'persistent-machine/operations/page';
import { type CursorCodec, feedCursor } from 'persistent-machine/graphql/cursors';
import { DateTime } from 'persistent-machine/graphql/DateTime';
import { LifeSnapshotType } from './LifeSnapshot';
import { PageInfo, connectionOf } from 'persistent-machine/graphql/PageInfo';
import { LifeEventEnum, PhaseEnum } from './enums';

@ObjectType('LifeTransition', {
  simpleResolvers: true,
  description: 'One recorded change, written in the same transaction as the change itself.',
})
export class LifeTransitionType {
  @Field(() => String, { description: 'Its place in the feed of all transitions; opaque.' })
  readonly cursor: string;

  @Field(() => LifeEventEnum, { description: 'What happened.' })
  readonly event: LifeEvent;

  @Field(() => PhaseEnum, { nullable: true, description: 'The phase before; null: a conception.' })
  readonly from: LifeState | null;

  @Field(() => PhaseEnum, { description: 'The phase after.' })
  readonly to: LifeState;

  @Field(() => Int, { description: 'The version of the life that this made.' })
  readonly version: number;

  @Field(() => DateTime, { description: 'When it happened, as the caller says.' })
  readonly occurredAt: Date;

  @Field(() => DateTime, { description: 'When it was recorded.' })
  readonly recordedAt: Date;

  @Field(() => String, {
    nullable: true,
    description: 'Who asked for it: the token’s subject; null when nobody was asked to say.',
  })
  readonly actor: string | null;

  @Field(() => ID, { description: 'The id of the life that it happened to.' })
  readonly lifeId: string;

  @Field(() => LifeSnapshotType, { description: 'The life as it was right after.' })
  readonly snapshot: LifeSnapshotType;

  constructor(transition: Transition<Phase>) {
    const { event, from, phase, occurredAt, recordedAt, actor } = transition;
    this.cursor = feedCursor.of(transition);
    this.event = event;
    this.from = from;
    this.to = phase.stateType;
    this.version = phase.state.version;
    this.occurredAt = occurredAt;
    this.recordedAt = recordedAt;
    this.actor = actor;
    this.lifeId = phase.state.id;
    this.snapshot = new LifeSnapshotType(phase);
  }
}

@ObjectType('LifeTransitionEdge', {
  simpleResolvers: true,
  description: 'A transition in a connection.',
})
export class LifeTransitionEdge {
  @Field(() => String, { description: 'The place of this edge in its connection; opaque.' })
  readonly cursor: string;

  @Field(() => LifeTransitionType, { description: 'The transition.' })
  readonly node: LifeTransitionType;

  constructor(cursor: string, transition: Transition<Phase>) {
    this.cursor = cursor;
    this.node = new LifeTransitionType(transition);
  }
}

@ObjectType('LifeTransitionConnection', {
  simpleResolvers: true,
  description: 'A page of transitions.',
})
export class LifeTransitionConnection {
  @Field(() => [LifeTransitionEdge], { description: 'The transitions, with their cursors.' })
  readonly edges: readonly LifeTransitionEdge[];

  @Field(() => [LifeTransitionType], { description: 'The transitions alone.' })
  readonly nodes: readonly LifeTransitionType[];

  @Field(() => PageInfo, { description: 'Where this page lies.' })
  readonly pageInfo: PageInfo;

  constructor(page: Page<Transition<Phase>>, cursor: Pick<CursorCodec<Transition<Phase>>, 'of'>) {
    const connection = connectionOf(
      page,
      cursor,
      (place, transition) => new LifeTransitionEdge(place, transition),
    );
    this.edges = connection.edges;
    this.nodes = connection.nodes;
    this.pageInfo = connection.pageInfo;
  }
}
