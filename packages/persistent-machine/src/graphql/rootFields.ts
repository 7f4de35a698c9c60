/**
 * Which machine each root field of a schema belongs to, and whether the field reads or writes. The field's extensions
 * say it, for handwritten and derived fields alike. Knows the names of scopes, but no tokens.
 */
import { type GraphQLObjectType, type GraphQLSchema, OperationTypeNode } from 'graphql';

export type Access = 'read' | 'write';

export interface RootField {
  /** The plural name of its machine; null for a field of all machines, such as `node`. */
  readonly machine: string | null;
  readonly access: Access;
}

/** The scope that lets a token read or write a machine: `orders:read`. */
export function scopeOf(machine: string, access: Access): string {
  return `${machine}:${access}`;
}

/** @param scopes of the client's token; null if none is needed */
export function mayRead(scopes: ReadonlySet<string> | null, machine: string): boolean {
  return scopes === null || scopes.has(scopeOf(machine, 'read'));
}

/** What the fields of an operation do. */
export function accessOf(operation: OperationTypeNode): Access {
  return operation === OperationTypeNode.MUTATION ? 'write' : 'read';
}

/** @returns the root fields by their coordinates, such as `Query.order` */
export function rootFieldsOf(schema: GraphQLSchema): ReadonlyMap<string, RootField> {
  return new Map(
    Object.values(OperationTypeNode).flatMap((operation) =>
      fieldsOf(schema.getRootType(operation), accessOf(operation)),
    ),
  );
}

function fieldsOf(
  root: GraphQLObjectType | null | undefined,
  access: Access,
): (readonly [string, RootField])[] {
  if (!root) return [];
  return Object.values(root.getFields()).map(({ name, extensions: { machine } }) => [
    `${root.name}.${name}`,
    { machine: typeof machine === 'string' ? machine : null, access },
  ]);
}
