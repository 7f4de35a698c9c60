/**
 * The interface `Life` and the object types of its phases: each a view of a phase of the machine, with no
 * rule of its own. Which fields a phase has more than a life is what its narrowed record guarantees. Fields, not
 * accessors: type-graphql takes an accessor for a resolver, and runs it as one.
 */
import { Args, Ctx, Field, ID, Int, InterfaceType, ObjectType } from 'type-graphql';
import {
  type Alive,
  type Dead,
  type Gestating,
  type LifeEvent,
  type LifeState,
  type Phase,
  match,
} from '../../machine';
import {
  PageArguments,
  SnapshotArguments,
  pageRequest,
  pastOf,
} from 'persistent-machine/graphql/arguments';
import type { Context } from 'persistent-machine/graphql/context';
import { historyCursor } from 'persistent-machine/graphql/cursors';
import { DateTime } from 'persistent-machine/graphql/DateTime';
import { lifeKind } from '../../kind';
import { LifeTransitionConnection } from './LifeTransition';
import { LifeSnapshotType } from './LifeSnapshot';
import { LifeEventEnum, PhaseEnum } from './enums';

@InterfaceType('Node', { description: 'Something with an id, which `node` finds again.' })
export abstract class NodeType {
  @Field(() => ID, { description: 'Unique among all nodes.' })
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

@InterfaceType('Life', {
  implements: NodeType,
  description: 'A life: gestating, alive or dead. Each phase is an object type of its own.',
})
export abstract class LifeType<P extends Phase = Phase> extends NodeType {
  @Field(() => PhaseEnum, { description: 'Where this life is in its lifecycle.' })
  readonly phase: LifeState;

  @Field(() => Int, { description: '1 when conceived; one more with each transition.' })
  readonly version: number;

  @Field(() => DateTime, { description: 'When it was conceived.' })
  readonly createdAt: Date;

  @Field(() => DateTime, { description: 'When its last transition was recorded.' })
  readonly updatedAt: Date;

  @Field(() => [LifeEventEnum], { description: 'What this life accepts now.' })
  readonly nextEvents: readonly LifeEvent[];

  constructor(protected readonly life: P) {
    const { id, version, createdAt, updatedAt } = life.state;
    super(id);
    this.phase = life.stateType;
    this.version = version;
    this.createdAt = createdAt;
    this.updatedAt = updatedAt;
    this.nextEvents = life.nextEvents;
  }

  @Field(() => LifeSnapshotType, {
    nullable: true,
    description:
      'This life as it was at a version, or at a time; as it is, when neither is given. Null before its conception, or beyond its last version.',
  })
  async snapshot(
    @Args(() => SnapshotArguments) moment: SnapshotArguments,
    @Ctx() { machines, deadline }: Context,
  ): Promise<LifeSnapshotType | null> {
    const past = pastOf(moment);
    const life = past
      ? await machines.of(lifeKind).reader.past(this.id, past, deadline)
      : this.life;
    return life && new LifeSnapshotType(life);
  }

  @Field(() => LifeTransitionConnection, { description: 'Its transitions, oldest first.' })
  async history(
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { machines, deadline }: Context,
  ): Promise<LifeTransitionConnection> {
    const request = pageRequest(page, historyCursor);
    const transitions = await machines.of(lifeKind).reader.history(this.id, request, deadline);
    return new LifeTransitionConnection(transitions, historyCursor);
  }
}

@ObjectType('Gestating', {
  implements: [LifeType, NodeType],
  simpleResolvers: true,
  description: 'A life that was conceived, and is not born yet.',
})
export class GestatingType extends LifeType<Gestating> {}

@ObjectType('Alive', {
  implements: [LifeType, NodeType],
  simpleResolvers: true,
  description: 'A life that was born, and is not dead yet.',
})
export class AliveType extends LifeType<Alive> {
  @Field(() => DateTime, { description: 'When it was born.' })
  readonly bornAt: Date;

  constructor(life: Alive) {
    super(life);
    this.bornAt = life.state.bornAt;
  }
}

@ObjectType('Dead', {
  implements: [LifeType, NodeType],
  simpleResolvers: true,
  description: 'A life that has ended. Nothing follows.',
})
export class DeadType extends LifeType<Dead> {
  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was born; null: it died before it was born.',
  })
  readonly bornAt: Date | null;

  @Field(() => DateTime, { description: 'When it died.' })
  readonly diedAt: Date;

  constructor(life: Dead) {
    super(life);
    this.bornAt = life.state.bornAt;
    this.diedAt = life.state.diedAt;
  }
}

/** The object type of a phase. */
export function lifeTypeOf(phase: Phase): GestatingType | AliveType | DeadType {
  return match(phase, {
    Gestating: (gestating) => new GestatingType(gestating),
    Alive: (alive) => new AliveType(alive),
    Dead: (dead) => new DeadType(dead),
  });
}
