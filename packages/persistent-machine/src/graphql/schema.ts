/** The GraphQL schema, built from an application's resolvers. Knows no server and no database. */
import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { type PubSub, buildSchemaSync } from 'type-graphql';
import { validateArguments } from './arguments';

/** type-graphql wants one as soon as there is a subscription. Ours come from the feed: nobody publishes. */
const NO_PUBLISHING: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new Error('Subscriptions come from the feed.');
  },
};

/** A resolver is a class that type-graphql knows by its decorators alone. */
export type Resolvers = readonly [Resolver, ...Resolver[]];
type Resolver = new () => object;

export function createSchema(resolvers: Resolvers): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [...resolvers],
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
