/** The handwritten mutations of a life. Everything else about lives in GraphQL is derived from the declaration. */
import type { Context } from 'persistent-machine/graphql/context';
import { type Asked, graphqlOf } from 'persistent-machine/graphql/graphqlOf';
import { Args, Ctx, Mutation, Resolver } from 'type-graphql';
import { lives } from '../machine';

const graphql = graphqlOf(lives);
type Lives = typeof lives;

@Resolver()
export class LifeResolver {
  @Mutation(() => graphql.resultOf('Birth'), {
    nullable: true,
    description: 'A gestating life is born.',
  })
  async birth(
    @Args(() => graphql.argumentsOf('Birth')) asked: Asked<Lives, 'Birth'>,
    @Ctx() context: Context,
  ): Promise<object> {
    return graphql.transition('Birth', asked, context);
  }

  @Mutation(() => graphql.resultOf('Death'), {
    nullable: true,
    description: 'A life dies, be it born or not.',
  })
  async die(
    @Args(() => graphql.argumentsOf('Death')) asked: Asked<Lives, 'Death'>,
    @Ctx() context: Context,
  ): Promise<object> {
    return graphql.transition('Death', asked, context);
  }
}
