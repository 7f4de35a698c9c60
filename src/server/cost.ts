/**
 * What a document may cost: how many values its answer could have at the most, by its text alone, so that a
 * document is weighed once and not with each request. graphql-armor's own rule takes a page whose size is a
 * variable for one row. Does not know what a value costs the database.
 */
import {
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLSchema,
  Kind,
  type FieldNode,
  type NamedTypeNode,
  type SelectionSetNode,
  type ValidationRule,
  getNamedType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { LARGEST_PAGE } from '../store/pages';

/** Two connections in one another, in pages of the largest size, with all that their nodes have, are half of it. */
const MOST_VALUES = 1_000_000;

/** Of a page whose size is left out. */
const USUAL_PAGE = 20;

/** Refuses a document that could be answered with more values than we want to look up. */
export const limitCost: ValidationRule = (context) => {
  const fragments = new Map<FragmentDefinitionNode, number>();
  const schema = context.getSchema();

  const costOf = ({ selections }: SelectionSetNode, parent: GraphQLNamedType | undefined): number =>
    selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FIELD) return sum + costOfField(selection, parent);
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        return sum + costOf(selection.selectionSet, conditionOf(schema, selection) ?? parent);
      }
      const fragment = context.getFragment(selection.name.value);
      return fragment ? sum + costOfFragment(fragment) : sum;
    }, 0);

  const costOfFragment = (fragment: FragmentDefinitionNode): number => {
    const known = fragments.get(fragment);
    if (known !== undefined) return known;
    // One that contains itself is another rule's business.
    fragments.set(fragment, 0);
    const cost = costOf(fragment.selectionSet, conditionOf(schema, fragment));
    fragments.set(fragment, cost);
    return cost;
  };

  const costOfField = (field: FieldNode, parent: GraphQLNamedType | undefined): number => {
    if (field.selectionSet === undefined) return 1;
    const fields = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields() : {};
    const definition = fields[field.name.value];
    const type = definition && getNamedType(definition.type);
    const isPage = definition?.args.some(({ name }) => name === 'first') ?? false;
    return 1 + sizeOf(field, isPage) * costOf(field.selectionSet, type);
  };

  return {
    OperationDefinition: (operation) => {
      const root = schema.getRootType(operation.operation) ?? undefined;
      if (costOf(operation.selectionSet, root) <= MOST_VALUES) return;
      const message = `The answer could have more than ${MOST_VALUES} values; ask for smaller pages.`;
      context.reportError(new GraphQLError(message, { nodes: operation }));
    },
  };
};

/** How many rows a field could have. */
function sizeOf({ arguments: given = [] }: FieldNode, isPage: boolean): number {
  for (const { name, value } of given) {
    if (name.value === 'ids') return value.kind === Kind.LIST ? value.values.length : LARGEST_PAGE;
    if (name.value !== 'first' && name.value !== 'last') continue;
    if (value.kind === Kind.NULL) continue;
    return value.kind === Kind.INT ? Math.min(Number(value.value), LARGEST_PAGE) : LARGEST_PAGE;
  }
  return isPage ? USUAL_PAGE : 1;
}

function conditionOf(
  schema: GraphQLSchema,
  { typeCondition }: { readonly typeCondition?: NamedTypeNode | undefined },
): GraphQLNamedType | undefined {
  return typeCondition && schema.getType(typeCondition.name.value);
}
