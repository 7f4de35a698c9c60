/**
 * The scopes that an operation needs: `orders:read` for a root field that reads orders, `orders:write` for one that
 * changes them. Knows the schema's root fields, and neither tokens nor transports.
 */
import type { ApolloServerPlugin, GraphQLRequestListener } from '@apollo/server';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import type { Context } from '../graphql/context';
import {
  type Access,
  type RootField,
  accessOf,
  rootFieldsOf,
  scopeOf,
} from '../graphql/rootFields';

/** The scopes of a client's token; null if there is no token. */
export type Granted = ReadonlySet<string> | null;

/** Any one of these scopes is enough. */
type Need = readonly string[];

/**
 * No scope implies another one. A mutation needs no read scope for its result: a token that may only write can read
 * the machine that its mutation names, with its history, and no other machine. The schema promises that much to a
 * caller that loses a race.
 */
export class Scopes {
  readonly #schema: GraphQLSchema;
  readonly #rootFields: ReadonlyMap<string, RootField>;
  readonly #any: Readonly<Record<Access, Need>>;
  /** Cached by operation: clients of one kind send the same document, which is parsed once. */
  readonly #needs = new WeakMap<OperationDefinitionNode, readonly Need[]>();

  /** @param machines the plural names of all served machines */
  constructor(schema: GraphQLSchema, machines: readonly string[]) {
    this.#schema = schema;
    this.#rootFields = rootFieldsOf(schema);
    const all = (access: Access): Need => machines.map((machine) => scopeOf(machine, access));
    this.#any = { read: all('read'), write: all('write') };
  }

  /** Whether these scopes allow any operation here. */
  allowAnything(granted: Granted): boolean {
    return isMet(this.#any.read, granted) || isMet(this.#any.write, granted);
  }

  /** @returns why every operation of this kind is refused; undefined if some may be allowed */
  refusalOfAll(operation: OperationTypeNode, granted: Granted): GraphQLError | undefined {
    return refusalOf(this.#any[accessOf(operation)], granted);
  }

  /**
   * @param operation a valid operation of the document
   * @returns why the operation is refused as a whole; undefined if it is allowed
   */
  refusal(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    granted: Granted,
  ): GraphQLError | undefined {
    let needs = this.#needs.get(operation);
    if (needs === undefined) {
      needs = this.#needsOf(document, operation);
      this.#needs.set(operation, needs);
    }
    for (const need of needs) {
      const refused = refusalOf(need, granted);
      if (refused) return refused;
    }
    return undefined;
  }

  /** Counts fields with `@skip` and `@include` as well, so that the result does not depend on variables. */
  #needsOf(document: DocumentNode, { operation, selectionSet }: OperationDefinitionNode): Need[] {
    const root = this.#schema.getRootType(operation)?.name ?? '';
    const needs = [...rootFieldsIn(document, selectionSet)].map((name) => {
      // Introspection and `__typename` are fields of no machine.
      const { machine, access } = this.#rootFields.get(`${root}.${name}`) ?? {
        machine: null,
        access: accessOf(operation),
      };
      return machine === null ? this.#any[access] : [scopeOf(machine, access)];
    });
    return [...new Map(needs.map((need) => [need.join(), need])).values()];
  }
}

/** A plugin for Apollo Server that refuses a request as a whole, before any field is executed. */
export function requireScopes(required: Scopes): ApolloServerPlugin<Context> {
  const listener = Promise.resolve<GraphQLRequestListener<Context>>({
    didResolveOperation: async ({ document, operation, contextValue: { scopes } }) => {
      // Apollo Server executes nothing without an operation.
      const refused = operation && required.refusal(document, operation, scopes);
      if (refused) throw refused;
    },
  });
  return { requestDidStart: () => listener };
}

function isMet(need: Need, granted: Granted): boolean {
  return granted !== null && need.some((scope) => granted.has(scope));
}

function refusalOf(need: Need, granted: Granted): GraphQLError | undefined {
  if (isMet(need, granted)) return undefined;
  const lack =
    need.length === 1
      ? `lacks the scope ${need.join()}`
      : `has none of the scopes ${need.join(', ')}`;
  return new GraphQLError(`The token ${lack}.`, {
    extensions: { code: 'FORBIDDEN', http: { status: 403 } },
  });
}

/** The names of the root fields that an operation selects, directly or in fragments. */
function rootFieldsIn(document: DocumentNode, operation: SelectionSetNode): ReadonlySet<string> {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    fragments.set(definition.name.value, definition.selectionSet);
  }
  const names = new Set<string>();
  const seen = new Set<SelectionSetNode>();
  const collect = (selectionSet: SelectionSetNode | undefined): void => {
    // A document may spread one fragment in many places.
    if (selectionSet === undefined || seen.has(selectionSet)) return;
    seen.add(selectionSet);
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) names.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
      else collect(fragments.get(selection.name.value));
    }
  };
  collect(operation);
  return names;
}
