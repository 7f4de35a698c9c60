/** The GraphQL schema, built from the resolvers. Knows no server and no database. */
import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { type PubSub, buildSchemaSync } from 'type-graphql';
import { LifeResolver } from './LifeResolver';
import { MachineResolver } from './MachineResolver';
import { NodeResolver } from './NodeResolver';
import { TransitionResolver } from './TransitionResolver';
import { validateArguments } from './arguments';

/** type-graphql wants one as soon as there is a subscription. Ours come from the feed: nobody publishes. */
const NO_PUBLISHING: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new Error('Subscriptions come from the feed.');
  },
};

export function createSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [LifeResolver, NodeResolver, TransitionResolver, MachineResolver],
    validateFn: validateArguments,
    pubSub: NO_PUBLISHING,
  });
  // type-graphql has no place for the description of a root type.
  describe(schema.getQueryType(), 'What can be asked.');
  describe(
    schema.getMutationType(),
    'What can be done. Each mutation of a request commits on its own.',
  );
  describe(
    schema.getSubscriptionType(),
    'What can be followed, over WebSocket or server-sent events.',
  );
  return schema;
}

function describe(type: { description?: unknown } | null | undefined, description: string): void {
  if (type) type.description = description;
}
