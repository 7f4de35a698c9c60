/**
 * What a token's scopes let its bearer ask: `orders:read` for what a root field reads of orders, `orders:write` for what
 * it changes of them. Knows the schema's root fields, and neither tokens nor how a request travels.
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

/** The words of a token's claim; null: it has none. */
export type Granted = ReadonlySet<string> | null;

/** Scopes any one of which is enough. */
type Need = readonly string[];

/**
 * Neither scope of a machine implies the other, nor any scope of another machine. What a mutation answers is its own,
 * however much is selected of it: a token that may only write sees the machine that its mutation names and the history of
 * it, and by those no other. The schema promises it: the loser of a race is shown who won.
 */
export class Scopes {
  readonly #schema: GraphQLSchema;
  readonly #rootFields: ReadonlyMap<string, RootField>;
  readonly #any: Readonly<Record<Access, Need>>;
  /** Found out once for each operation: clients of a kind all send the same document, which is parsed once. */
  readonly #needs = new WeakMap<OperationDefinitionNode, readonly Need[]>();

  /** @param machines the plural names of all that are served */
  constructor(schema: GraphQLSchema, machines: readonly string[]) {
    this.#schema = schema;
    this.#rootFields = rootFieldsOf(schema);
    const all = (access: Access): Need => machines.map((machine) => scopeOf(machine, access));
    this.#any = { read: all('read'), write: all('write') };
  }

  /** Whether there is anything at all that these scopes allow here. */
  allowAnything(granted: Granted): boolean {
    return isMet(this.#any.read, granted) || isMet(this.#any.write, granted);
  }

  /** @returns why no operation of this kind is allowed, whatever it selects; undefined where one may be */
  refusalOfAll(operation: OperationTypeNode, granted: Granted): GraphQLError | undefined {
    return refusalOf(this.#any[accessOf(operation)], granted);
  }

  /**
   * @param operation a valid one of the document
   * @returns why it is refused as a whole, or undefined where it may go on
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

  /** A field counts that is skipped or not included, too: what is allowed then does not depend on variables. */
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

/** For Apollo Server: refuses a request as a whole, before anything of it is executed. */
export function requireScopes(required: Scopes): ApolloServerPlugin<Context> {
  const listener = Promise.resolve<GraphQLRequestListener<Context>>({
    didResolveOperation: async ({ document, operation, contextValue: { scopes } }) => {
      // Where none was found, none is executed.
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
  const lacking =
    need.length === 1 ? `the scope ${need.join()}` : `any of the scopes ${need.join(', ')}`;
  return new GraphQLError(`The token lacks ${lacking}.`, {
    extensions: { code: 'FORBIDDEN', http: { status: 403 } },
  });
}

/** The names of the root fields that an operation selects, itself or by fragments. */
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
