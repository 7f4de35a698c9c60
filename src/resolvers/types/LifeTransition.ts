/**
 * The type `LifeTransition`, a view of one recorded change, and its connection. Its field `life` is
 * TransitionResolver's, since that asks the store.
 */
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { LifeEvent, LifeState, Phase } from '../../machine';
import type { Transition } from '../../store/MachineArchive';
import type { Page } from '../../store/pages';
import { type CursorCodec, feedCursor } from '../cursors';
import { DateTime } from './DateTime';
import { LifeSnapshotType } from './LifeSnapshot';
import { PageInfo, connectionOf } from './PageInfo';
import { LifeEventEnum, PhaseEnum } from './enums';

@ObjectType('LifeTransition', {
  simpleResolvers: true,
  description: 'One recorded change, written in the same transaction as the change itself.',
})
export class LifeTransitionType {
  constructor(private readonly transition: Transition<Phase>) {}

  @Field(() => String, { description: 'Its place in the feed of all transitions; opaque.' })
  get cursor(): string {
    return feedCursor.of(this.transition);
  }

  @Field(() => LifeEventEnum, { description: 'What happened.' })
  get event(): LifeEvent {
    return this.transition.event;
  }

  @Field(() => PhaseEnum, { nullable: true, description: 'The phase before; null: a conception.' })
  get from(): LifeState | null {
    return this.transition.from;
  }

  @Field(() => PhaseEnum, { description: 'The phase after.' })
  get to(): LifeState {
    return this.transition.phase.stateType;
  }

  @Field(() => Int, { description: 'The version of the life that this made.' })
  get version(): number {
    return this.transition.phase.state.version;
  }

  @Field(() => DateTime, { description: 'When it happened, as the caller says.' })
  get occurredAt(): Date {
    return this.transition.occurredAt;
  }

  @Field(() => DateTime, { description: 'When it was recorded.' })
  get recordedAt(): Date {
    return this.transition.recordedAt;
  }

  @Field(() => String, {
    nullable: true,
    description: 'Who asked for it: the token’s subject; null when nobody was asked to say.',
  })
  get actor(): string | null {
    return this.transition.actor;
  }

  @Field(() => ID, { description: 'The id of the life that it happened to.' })
  get lifeId(): string {
    return this.transition.phase.state.id;
  }

  @Field(() => LifeSnapshotType, { description: 'The life as it was right after.' })
  get snapshot(): LifeSnapshotType {
    return new LifeSnapshotType(this.transition.phase);
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

  constructor(page: Page<Transition<Phase>>, cursor: CursorCodec<Transition<Phase>>) {
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
