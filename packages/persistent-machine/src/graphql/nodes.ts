/**
 * Relay's object identification: finds a node of any machine by its id. Looks in each machine that the client's token
 * may read, in the order in which they are served. Knows no machine by name.
 */
import {
  type AskedId,
  type AskedIds,
  NodeArguments,
  NodesArguments,
  idOf,
  idsOf,
} from './arguments';
import type { Context } from './context';
import { graphqlOf } from './graphqlOf';
import { NodeType } from './phases';
import { mayRead } from './rootFields';
import { query } from './roots';
import type { View } from './View';

export const NODE_RESOLVERS = [
  query({
    name: 'node',
    type: () => NodeType,
    nullable: true,
    says: 'A node by its id; null if there is none, or the token may not read it.',
    arguments: NodeArguments,
    ask: async (asked: AskedId, context) => (await find([idOf(asked)], context))[0],
  }),
  query({
    name: 'nodes',
    type: () => [NodeType],
    nullable: 'items',
    says: 'Nodes in the order of their ids; null in place of each that does not exist or that the token may not read.',
    arguments: NodesArguments,
    ask: async (asked: AskedIds, context) => find(idsOf(asked), context),
  }),
];

/** Searches one machine after the other, so that the lane groups all ids of a request into one statement for each. */
async function find(
  ids: readonly string[],
  { machines, scopes, deadline }: Context,
): Promise<(View<unknown> | null)[]> {
  const found: (View<unknown> | null)[] = ids.map(() => null);
  for (const lifecycle of machines.served) {
    if (!mayRead(scopes, lifecycle.machine.plural)) continue;
    const { store } = machines.of(lifecycle);
    const graphql = graphqlOf(lifecycle);
    await Promise.all(
      ids.map(async (id, index) => {
        if (found[index] !== null) return;
        const phase = await store.find(id, deadline);
        if (phase) found[index] = graphql.viewOf(phase);
      }),
    );
  }
  return found;
}
