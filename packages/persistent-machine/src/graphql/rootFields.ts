/**
 * What each root field of a schema is about: the machine that it belongs to, and whether it reads or writes. Said by the
 * field's extensions, so that a field that is written by hand says it as a derived one does. Knows no tokens and scopes.
 */
import { type GraphQLObjectType, type GraphQLSchema, OperationTypeNode } from 'graphql';

export type Access = 'read' | 'write';

export interface RootField {
  /** The plural name of its machine; null: it belongs to all of them, as `node` does. */
  readonly machine: string | null;
  readonly access: Access;
}

/** The scope that lets a token read or write a machine: `orders:read`. */
export function scopeOf(machine: string, access: Access): string {
  return `${machine}:${access}`;
}

/** Whether a token's scopes let it read a machine; null: no token is needed. */
export function mayRead(scopes: ReadonlySet<string> | null, machine: string): boolean {
  return scopes === null || scopes.has(scopeOf(machine, 'read'));
}

/** What an operation does of whose fields nothing else is said. */
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
