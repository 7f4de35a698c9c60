/** What is recorded: the feed of all transitions as pages, and the census. */
import {
  Args,
  ArgsType,
  Ctx,
  Field,
  FieldResolver,
  Query,
  Resolver,
  Root,
  Subscription,
  type SubscribeResolverData,
} from 'type-graphql';
import type { LifeEvent, Phase } from '../machine';
import type { Transition } from 'persistent-machine/store/transition';
import { BeyondEnd } from 'persistent-machine/store/place';
import { PageArguments, pageRequest } from 'persistent-machine/graphql/arguments';
import type { Context } from 'persistent-machine/graphql/context';
import { feedCursor } from 'persistent-machine/graphql/cursors';
import { BadUserInput } from 'persistent-machine/graphql/errors';
import { lifeKind } from '../kind';
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

@ArgsType()
class LiveFeedArguments {
  @Field(() => String, {
    nullable: true,
    description: 'The cursor after which to begin; left out: only what happens from now on.',
  })
  after?: string | null;

  @Field(() => [LifeEventEnum], {
    nullable: true,
    description: 'Only transitions by one of these events.',
  })
  events?: LifeEvent[] | null;
}

/** @throws BadUserInput for a cursor that is none of the feed's, or that the feed has not reached; FeedRewound */
async function subscribeToFeed({
  args: { after, events },
  context: { machines, deadline },
}: SubscribeResolverData<unknown, LiveFeedArguments, Context>): Promise<
  AsyncIterable<Transition<Phase>>
> {
  const isGiven = after !== null && after !== undefined;
  const place = isGiven ? feedCursor.parse(after, 'after') : undefined;
  return machines
    .of(lifeKind)
    .feed.transitions(events ?? null, place, deadline)
    .catch(refuseBeyondEnd);
}

function refuseBeyondEnd(error: unknown): never {
  if (!(error instanceof BeyondEnd)) throw error;
  throw new BadUserInput([{ path: error.argument, message: 'is beyond the end of the feed.' }]);
}

@Resolver(() => LifeTransitionType)
export class TransitionResolver {
  @Query(() => LifeTransitionConnection, {
    description:
      'The feed of all transitions, as pages, in the order in which they were committed.',
  })
  async transitions(
    @Args(() => FeedArguments) { events, ...page }: FeedArguments,
    @Ctx() { machines, deadline }: Context,
  ): Promise<LifeTransitionConnection> {
    const request = pageRequest(page, feedCursor);
    const transitions = await machines
      .of(lifeKind)
      .reader.feed(events ?? null, request, deadline)
      .catch(refuseBeyondEnd);
    return new LifeTransitionConnection(transitions, feedCursor);
  }

  @Query(() => CensusType, {
    description: 'How many lives are in each phase, exactly consistent with the feed at `cursor`.',
  })
  async census(@Ctx() { machines, deadline }: Context): Promise<CensusType> {
    return new CensusType(await machines.of(lifeKind).reader.census(deadline));
  }

  @Subscription(() => LifeTransitionType, {
    name: 'transitions',
    subscribe: subscribeToFeed,
    description:
      'The feed of all transitions, as they are committed: from right after a cursor, or from now on; with no gap, no repeat, and in order.',
  })
  transitionHappened(
    @Root() transition: Transition<Phase>,
    // Declared here, used by subscribeToFeed; not to be checked again with each event.
    @Args(() => LiveFeedArguments, { validate: false }) _arguments: LiveFeedArguments,
  ): LifeTransitionType {
    return new LifeTransitionType(transition);
  }

  @FieldResolver(() => LifeType, { description: 'The life as it is now.' })
  async life(
    @Root() { lifeId }: LifeTransitionType,
    @Ctx() { machines, deadline }: Context,
  ): Promise<LifeType> {
    const life = await machines.of(lifeKind).store.find(lifeId, deadline);
    // No life is ever deleted; the database refuses it.
    if (life === null) throw new Error(`The life ${lifeId} of a transition is gone.`);
    return lifeTypeOf(life);
  }
}
