/**
 * Relay's object identification: any node by its id, whichever machine it is of. An id is looked for in each machine that
 * the token may read, in the order in which they are served. Knows no machine by name.
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
    says: 'A node by its id; null: none has it, or none that the token may read.',
    arguments: NodeArguments,
    ask: async (asked: AskedId, context) => (await find([idOf(asked)], context))[0],
  }),
  query({
    name: 'nodes',
    type: () => [NodeType],
    nullable: 'items',
    says: 'Nodes by their ids, in the order of the ids; null where none has it, or none that the token may read.',
    arguments: NodesArguments,
    ask: async (asked: AskedIds, context) => find(idsOf(asked), context),
  }),
];

/** One machine after the other: what all fields of a request look for in one of them goes with one statement. */
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
