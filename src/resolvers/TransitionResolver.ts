/** What is recorded: the feed of all transitions as pages, and the census. */
import { Args, ArgsType, Ctx, Field, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import type { LifeEvent } from '../machine';
import { PageArguments, pageRequest } from './arguments';
import type { Context } from './context';
import { feedCursor } from './cursors';
import { CensusType } from './types/Census';
import { LifeType, lifeTypeOf } from './types/Life';
import { LifeTransitionConnection, LifeTransitionType } from './types/LifeTransition';
import { LifeEventEnum } from './types/enums';

@ArgsType()
class FeedArguments extends PageArguments {
  @Field(() => [LifeEventEnum], {
    nullable: true,
    description: 'Only transitions by one of these events.',
  })
  events?: LifeEvent[] | null;
}

@Resolver(() => LifeTransitionType)
export class TransitionResolver {
  @Query(() => LifeTransitionConnection, {
    description:
      'The feed of all transitions, as pages, in the order in which they were committed.',
  })
  async transitions(
    @Args(() => FeedArguments) { events, ...page }: FeedArguments,
    @Ctx() { archive }: Context,
  ): Promise<LifeTransitionConnection> {
    const transitions = await archive.feed(events ?? null, pageRequest(page, feedCursor));
    return new LifeTransitionConnection(transitions, feedCursor);
  }

  @Query(() => CensusType, {
    description: 'How many lives are in each phase, exactly consistent with the feed at `cursor`.',
  })
  async census(@Ctx() { archive }: Context): Promise<CensusType> {
    return new CensusType(await archive.census());
  }

  @FieldResolver(() => LifeType, { description: 'The life as it is now.' })
  async life(@Root() { lifeId }: LifeTransitionType, @Ctx() { lives }: Context): Promise<LifeType> {
    const life = await lives.find(lifeId);
    // No life is ever deleted; the database refuses it.
    if (life === null) throw new Error(`The life ${lifeId} of a transition is gone.`);
    return lifeTypeOf(life);
  }
}
