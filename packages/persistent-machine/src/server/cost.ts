/**
 * What a document may cost: how many values its answer could have at the most, by its text alone, so that a
 * document is weighed once and not with each request. graphql-armor's own rule takes a page whose size is a
 * variable for one row. Does not know what a value costs the database.
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

/** Two connections in one another, in pages of the largest size, with all that their nodes have, are half of it. */
const MOST_VALUES = 1_000_000;

/** Of a page, or a list, whose size the document leaves out. */
const USUAL_PAGE = 20;

/** Relay reserves the ending of the name for them. */
const CONNECTION = 'Connection';

/** Refuses a document that could be answered with more values than we want to look up. */
export const limitCost = costLimit(MOST_VALUES);

/** @param mostValues objects, and values in them; lists count by what is in them */
export function costLimit(mostValues: number): ValidationRule {
  // A document of our length can spread fragments in one another so often that no number could hold the sum.
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
      // One that contains itself is another rule's business.
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
      // What a connection has in lists is counted with the connection.
      const isCounted = parent?.name.endsWith(CONNECTION) === true;
      return isCounted ? add(1, inner) : add(0, listSize(field, definition) * add(1, inner));
    };

    return {
      OperationDefinition: (operation) => {
        const root = schema.getRootType(operation.operation) ?? undefined;
        if (costOf(operation.selectionSet, root) <= mostValues) return;
        const message = `The answer could have more than ${mostValues} values; ask for smaller pages, or for less.`;
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
 * How many rows a connection could have. Whatever is given that is no size is refused later, or by another rule. A
 * page of no rows still has a `pageInfo`.
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

/** How many items another list could have: as many as are asked for, by a list of theirs, else a page's worth. */
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
