/**
 * Lives over GraphQL: conceive, birth and die, and finding lives again. Each mutation hands the store a pure
 * step, which is where a transition is called that exists on the right class only.
 */
import {
  Args,
  ArgsType,
  Ctx,
  Field,
  Mutation,
  Query,
  Resolver,
  Root,
  type SubscribeResolverData,
  Subscription,
} from 'type-graphql';
import {
  Gestating,
  IllegalTransition,
  LifeNotFound,
  type LifeState,
  type Phase,
  TransitionError,
  match,
} from '../machine';
import type { Order } from 'persistent-machine/operations/machinesPage';
import {
  ConceptionArguments,
  LifeArguments,
  PageArguments,
  TransitionArguments,
  pageRequest,
  validateArguments,
} from 'persistent-machine/graphql/arguments';
import type { Context } from 'persistent-machine/graphql/context';
import { lifeCursor } from 'persistent-machine/graphql/cursors';
import { SubscribedLifeNotFound } from 'persistent-machine/graphql/errors';
import { lifeKind } from '../kind';
import { AliveType, DeadType, GestatingType, LifeType, lifeTypeOf } from './types/Life';
import { LifeConnection } from './types/LifeConnection';
import { LifeOrderEnum, PhaseEnum } from './types/enums';
import { BirthResult, DeathResult, refusalTypeOf } from './types/results';

@ArgsType()
class LivesArguments extends PageArguments {
  @Field(() => [PhaseEnum], { nullable: true, description: 'Only lives in one of these phases.' })
  phase?: LifeState[] | null;

  @Field(() => LifeOrderEnum, { nullable: true, description: 'Left out: the oldest first.' })
  order?: Order | null;
}

/** @throws SubscribedLifeNotFound; BadUserInput for an id that is no UUID */
async function subscribeToLife({
  args,
  context: { machines, deadline },
}: SubscribeResolverData<unknown, LifeArguments, Context>): Promise<AsyncIterable<Phase>> {
  // type-graphql hands arguments to `subscribe` as they came.
  const given = Object.assign(new LifeArguments(), args);
  validateArguments(given);
  const phases = await machines.of(lifeKind).feed.changes(given.lifeId, deadline);
  if (phases === null) throw new SubscribedLifeNotFound(given.lifeId);
  return phases;
}

function refused(
  refusal: Parameters<typeof refusalTypeOf>[0],
  observation: Context['observation'],
): ReturnType<typeof refusalTypeOf> {
  // Its class has the name of its GraphQL type.
  observation.refusal ??= refusal.constructor.name;
  return refusalTypeOf(refusal);
}

@Resolver()
export class LifeResolver {
  @Mutation(() => GestatingType, {
    nullable: true,
    description: 'A life begins. Asked for again with the same id, it answers the same life.',
  })
  async conceive(
    @Args(() => ConceptionArguments) { lifeId }: ConceptionArguments,
    @Ctx() { machines, newId, actor, deadline }: Context,
  ): Promise<GestatingType> {
    const id = lifeId ?? newId();
    const life = await machines
      .of(lifeKind)
      .store.begin('Conception', (now) => Gestating.conceive(id, now), {
        actor,
        deadline,
      });
    return new GestatingType(life);
  }

  @Mutation(() => BirthResult, { nullable: true, description: 'A gestating life is born.' })
  async birth(
    @Args(() => TransitionArguments) { lifeId, occurredAt, idempotencyKey }: TransitionArguments,
    @Ctx() { machines, actor, observation, deadline }: Context,
  ): Promise<typeof BirthResult> {
    const outcome = await machines.of(lifeKind).store.transition(
      lifeId,
      'Birth',
      (phase, at) =>
        match(phase, {
          Gestating: (gestating) => gestating.birth(at),
          Alive: (alive) => new IllegalTransition('Birth', alive),
          Dead: (dead) => new IllegalTransition('Birth', dead),
        }),
      { occurredAt, idempotencyKey, actor, deadline },
    );
    const born = outcome ?? new LifeNotFound(lifeId);
    return born instanceof TransitionError ? refused(born, observation) : new AliveType(born);
  }

  @Mutation(() => DeathResult, { nullable: true, description: 'A life dies, be it born or not.' })
  async die(
    @Args(() => TransitionArguments) { lifeId, occurredAt, idempotencyKey }: TransitionArguments,
    @Ctx() { machines, actor, observation, deadline }: Context,
  ): Promise<typeof DeathResult> {
    const outcome = await machines.of(lifeKind).store.transition(
      lifeId,
      'Death',
      (phase, at) =>
        match(phase, {
          Gestating: (gestating) => gestating.die(at),
          Alive: (alive) => alive.die(at),
          Dead: (dead) => new IllegalTransition('Death', dead),
        }),
      { occurredAt, idempotencyKey, actor, deadline },
    );
    const died = outcome ?? new LifeNotFound(lifeId);
    return died instanceof TransitionError ? refused(died, observation) : new DeadType(died);
  }

  @Query(() => LifeType, { nullable: true, description: 'One life; null when there is none.' })
  async life(
    @Args(() => LifeArguments) { lifeId }: LifeArguments,
    @Ctx() { machines, deadline }: Context,
  ): Promise<LifeType | null> {
    const life = await machines.of(lifeKind).store.find(lifeId, deadline);
    return life && lifeTypeOf(life);
  }

  @Query(() => LifeConnection, {
    description:
      'All lives, by when they were conceived. Not to be followed: a life may appear before one that was seen already. What is new comes without a gap in `transitions`.',
  })
  async lives(
    @Args(() => LivesArguments) { phase, order, ...page }: LivesArguments,
    @Ctx() { machines, deadline }: Context,
  ): Promise<LifeConnection> {
    const request = pageRequest(page, lifeCursor);
    return new LifeConnection(
      await machines
        .of(lifeKind)
        .reader.machines(phase ?? null, order ?? 'oldestFirst', request, deadline),
    );
  }

  @Subscription(() => LifeType, {
    subscribe: subscribeToLife,
    description: 'The life as it is, then after each change; ends after `Dead`.',
  })
  lifeChanged(
    @Root() life: Phase,
    // Declared here, used by subscribeToLife; not to be checked again with each event.
    @Args(() => LifeArguments, { validate: false }) _arguments: LifeArguments,
  ): LifeType {
    return lifeTypeOf(life);
  }
}
