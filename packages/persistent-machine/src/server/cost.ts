/**
 * Limits the cost of a document: how many values its answer could have. Computed from the text alone, so that a
 * cached document is weighed once. graphql-armor's own rule counts a page whose size is a variable as one row. Does
 * not know what a value costs the database.
 */
import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  Kind,
  type NamedTypeNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  type ValidationRule,
  getNamedType,
  getNullableType,
  isEnumType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql';
import { LARGEST_PAGE } from '../operations/page';

/** Twice what two nested connections have, in pages of the largest size, with all fields of their nodes. */
const MOST_VALUES = 1_000_000;

/** The size of a page or list that the document does not give. */
const USUAL_PAGE = 20;

/** Relay reserves this suffix for connections. */
const CONNECTION = 'Connection';

/** Refuses a document whose answer could have too many values. */
export const limitCost = costLimit(MOST_VALUES);

/** @param mostValues counts objects and their fields; a list counts as its items */
export function costLimit(mostValues: number): ValidationRule {
  // Nested fragments can make the sum larger than any number, even in a document within the limits.
  const add = (one: number, other: number): number => Math.min(one + other, mostValues + 1);

  return (context) => {
    const fragments = new Map<FragmentDefinitionNode, number>();
    const schema = context.getSchema();

    const costOf = (
      { selections }: SelectionSetNode,
      parent: GraphQLNamedType | undefined,
    ): number =>
      selections.reduce((sum, selection) => {
        if (selection.kind === Kind.FIELD) return add(sum, costOfField(selection, parent));
        if (selection.kind === Kind.INLINE_FRAGMENT) {
          const type = conditionOf(schema, selection) ?? parent;
          return add(sum, costOf(selection.selectionSet, type));
        }
        const fragment = context.getFragment(selection.name.value);
        return fragment ? add(sum, costOfFragment(fragment)) : sum;
      }, 0);

    const costOfFragment = (fragment: FragmentDefinitionNode): number => {
      const known = fragments.get(fragment);
      if (known !== undefined) return known;
      // Another rule refuses a fragment that contains itself.
      fragments.set(fragment, 0);
      const cost = costOf(fragment.selectionSet, conditionOf(schema, fragment));
      fragments.set(fragment, cost);
      return cost;
    };

    const costOfField = (field: FieldNode, parent: GraphQLNamedType | undefined): number => {
      const definition = definitionOf(field, parent);
      const type = definition && getNamedType(definition.type);
      const inner = field.selectionSet ? costOf(field.selectionSet, type) : 0;
      if (definition === undefined || type === undefined) return add(1, inner);
      if (type.name.endsWith(CONNECTION)) return add(1, pageSize(field) * inner);
      if (!isList(definition.type)) return add(1, inner);
      // The size of a connection already counts its lists.
      const isCounted = parent?.name.endsWith(CONNECTION) === true;
      return isCounted ? add(1, inner) : add(0, listSize(field, definition) * add(1, inner));
    };

    return {
      OperationDefinition: (operation) => {
        const root = schema.getRootType(operation.operation) ?? undefined;
        if (costOf(operation.selectionSet, root) <= mostValues) return;
        const message = `The answer could have more than ${mostValues} values. Ask for smaller pages or fewer fields.`;
        context.reportError(new GraphQLError(message, { nodes: operation }));
      },
    };
  };
}

function definitionOf(
  { name }: FieldNode,
  parent: GraphQLNamedType | undefined,
): GraphQLField<unknown, unknown> | undefined {
  if (name.value === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
  if (name.value === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  return isObjectType(parent) || isInterfaceType(parent)
    ? parent.getFields()[name.value]
    : undefined;
}

/**
 * How many rows a connection could have. Invalid sizes are refused elsewhere. An empty page counts as one row,
 * because it still has a `pageInfo`.
 */
function pageSize({ arguments: given = [] }: FieldNode): number {
  const sizes = given.flatMap(({ name, value }) => {
    if (name.value !== 'first' && name.value !== 'last') return [];
    if (value.kind === Kind.NULL) return [];
    return value.kind === Kind.INT ? Number(value.value) : LARGEST_PAGE;
  });
  if (sizes.length === 0) return USUAL_PAGE;
  return Math.min(Math.max(1, ...sizes), LARGEST_PAGE);
}

/** How many items another list could have: as many as a list argument has, else as many as a usual page. */
function listSize(
  { arguments: given = [] }: FieldNode,
  { type, args }: GraphQLField<unknown, unknown>,
): number {
  const sizes = given.flatMap(({ name, value }) => {
    const argument = args.find((each) => each.name === name.value);
    if (argument === undefined || !isList(argument.type)) return [];
    return value.kind === Kind.LIST ? Math.max(1, value.values.length) : LARGEST_PAGE;
  });
  if (sizes.length > 0) return Math.max(...sizes);
  const itemType = getNamedType(type);
  return isEnumType(itemType) ? itemType.getValues().length : USUAL_PAGE;
}

function isList(type: GraphQLOutputType | GraphQLInputType): boolean {
  return isListType(getNullableType(type));
}

function conditionOf(
  schema: GraphQLSchema,
  { typeCondition }: { readonly typeCondition?: NamedTypeNode | undefined },
): GraphQLNamedType | undefined {
  return typeCondition && schema.getType(typeCondition.name.value);
}
