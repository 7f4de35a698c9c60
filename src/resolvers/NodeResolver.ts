/** Relay's object identification: any node by its id. Every node of ours is a life. */
import { Args, Ctx, Query, Resolver } from 'type-graphql';
import { LifeArguments, LivesByIdArguments } from 'persistent-machine/graphql/arguments';
import type { Context } from 'persistent-machine/graphql/context';
import { lives } from '../machine';
import { NodeType, lifeTypeOf } from './types/Life';

@Resolver()
export class NodeResolver {
  @Query(() => NodeType, { nullable: true, description: 'A node by its id; null: none has it.' })
  async node(
    @Args(() => LifeArguments) { lifeId }: LifeArguments,
    @Ctx() context: Context,
  ): Promise<NodeType | null> {
    return find(lifeId, context);
  }

  @Query(() => [NodeType], {
    nullable: 'items',
    description: 'Nodes by their ids, in the order of the ids; null where none has it.',
  })
  async nodes(
    @Args(() => LivesByIdArguments) { lifeIds }: LivesByIdArguments,
    @Ctx() context: Context,
  ): Promise<(NodeType | null)[]> {
    return Promise.all(lifeIds.map((id) => find(id, context)));
  }
}

async function find(id: string, { machines, deadline }: Context): Promise<NodeType | null> {
  const life = await machines.of(lives).store.find(id, deadline);
  return life && lifeTypeOf(life);
}
