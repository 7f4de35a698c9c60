/**
 * The GraphQL schema of the served machines: their derived fields, and the handwritten ones that replace or extend
 * them. Knows no server and no database.
 */
import { type GraphQLObjectType, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { type PubSub, buildSchemaSync, getMetadataStorage } from 'type-graphql';
import type { AnyLifecycle } from '../machine';
import { validateArguments } from './arguments';
import { type MachineInGraphQL, graphqlOf } from './graphqlOf';
import { NODE_RESOLVERS } from './nodes';
import type { ResolverClass } from './roots';

/** A machine and its handwritten resolvers. A handwritten field replaces the derived one of the same name. */
export interface ServedMachine {
  readonly lifecycle: AnyLifecycle;
  readonly resolvers?: readonly ResolverClass[];
}

/** type-graphql wants a PubSub for subscriptions. Here they come from the feed, so nothing is published. */
const NO_PUBLISHING: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new Error('Subscriptions come from the feed.');
  },
};

/** Names that no machine may take. */
const SHARED_TYPES = [
  ...['Node', 'PageInfo', 'TransitionError', 'OccurredAtOutOfRange', 'IdempotencyKeyReused'],
  ...['Query', 'Mutation', 'Subscription', 'DateTime', 'Boolean', 'Float', 'ID', 'Int', 'String'],
];

const OPERATIONS = Object.values(OperationTypeNode);

/** Resolver classes by the root field that each has: `query order`. */
type RootFields = ReadonlyMap<string, ResolverClass>;

/**
 * @param machines in the order in which `node` looks for an id
 * @throws TypeError if two of them would have one name
 */
export function createSchema(machines: readonly ServedMachine[]): GraphQLSchema {
  const parts = machines.map((served) => partOf(served));
  checkNames(parts);
  const resolvers = parts.flatMap(({ fields }) => [...new Set(fields.values())]);
  const schema = buildSchemaSync({
    resolvers: [...NODE_RESOLVERS, ...resolvers] as [ResolverClass, ...ResolverClass[]],
    // By default type-graphql adds every type that it ever registered, for other machines too.
    orphanedTypes: [],
    validateFn: validateArguments,
    pubSub: NO_PUBLISHING,
  });
  for (const { lifecycle, fields } of parts) {
    for (const operation of OPERATIONS) {
      for (const field of Object.values(schema.getRootType(operation)?.getFields() ?? {})) {
        if (!fields.has(`${operation} ${field.name}`)) continue;
        // `rootFields.ts` reads this.
        field.extensions = { ...field.extensions, machine: lifecycle.machine.plural };
      }
    }
  }
  // type-graphql takes no description for a root type.
  describe(schema.getQueryType(), 'What a client can read.');
  describe(
    schema.getMutationType(),
    'What a client can change. Each mutation of a request commits on its own.',
  );
  describe(
    schema.getSubscriptionType(),
    'What a client can follow, over WebSocket or server-sent events.',
  );
  return schema;
}

/** What one machine adds to a schema. */
interface Part {
  readonly lifecycle: AnyLifecycle;
  readonly graphql: MachineInGraphQL<AnyLifecycle>;
  readonly fields: RootFields;
}

function partOf({ lifecycle, resolvers = [] }: ServedMachine): Part {
  const graphql = graphqlOf(lifecycle);
  // Handwritten resolvers come last: of two fields with one name, the later one counts.
  const fields = rootFieldsOf([...graphql.resolvers, ...resolvers]);
  return { lifecycle, graphql, fields };
}

function rootFieldsOf(resolvers: readonly ResolverClass[]): RootFields {
  const { queries, mutations, subscriptions } = getMetadataStorage();
  const fields = new Map<string, ResolverClass>();
  for (const resolver of resolvers) {
    for (const [operation, handlers] of [
      ['query', queries],
      ['mutation', mutations],
      ['subscription', subscriptions],
    ] as const) {
      for (const { target, schemaName } of handlers) {
        if (target === resolver) fields.set(`${operation} ${schemaName}`, resolver);
      }
    }
  }
  return fields;
}

/** @throws TypeError if two machines would have a type or a root field of one name */
function checkNames(parts: readonly Part[]): void {
  const bare = parts.filter(({ lifecycle }) => lifecycle.machine.bare);
  if (bare.length > 1) {
    const both = bare.map(({ lifecycle }) => lifecycle.machine.name).join(' and ');
    throw new TypeError(`${both} are bare. Only one machine of a server may be.`);
  }
  const names = parts.map(({ lifecycle }) => lifecycle.machine.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new TypeError(`Two machines are called ${twice}. Rename one of them.`);
  const taken = new Map<string, { readonly owner: string; readonly by: unknown }>();
  const take = (what: string, owner: string, by?: unknown): void => {
    const other = taken.get(what);
    // Machines that share a refusal share its type.
    if (other !== undefined && (by === undefined || other.by !== by)) {
      throw new TypeError(
        `Both ${other.owner} and ${owner} would have the ${what} in the schema. Rename one of them.`,
      );
    }
    taken.set(what, { owner, by });
  };
  for (const name of SHARED_TYPES) take(`type ${name}`, 'all machines');
  for (const name of ['node', 'nodes']) take(`query ${name}`, 'all machines');
  for (const { lifecycle, graphql, fields } of parts) {
    const { name } = lifecycle.machine;
    for (const [type, by] of graphql.types) take(`type ${type}`, name, by);
    for (const field of fields.keys()) take(field, name);
  }
}

function describe(type: GraphQLObjectType | null | undefined, description: string): void {
  if (type) type.description = description;
}
