/** Relay's connections: the type `PageInfo`, and the types of a connection and its edges. Knows no machine. */
import type { Page } from '../operations/page';
import type { CursorCodec } from './cursors';
import { type Fields, type TypeThunk, type Types, objectType } from './types';
import type { View, ViewClass } from './View';

/** A page, and the codec for the cursors of its connection. */
export interface ConnectionOf<Node, P extends Page<Node> = Page<Node>> {
  readonly page: P;
  readonly cursor: Pick<CursorCodec<Node>, 'of'>;
}

interface EdgeOf<Node> {
  readonly node: Node;
  readonly cursor: Pick<CursorCodec<Node>, 'of'>;
}

const PageInfo = objectType<ConnectionOf<never>>('PageInfo', {
  says: 'The place of a page in its connection.',
  fields: {
    hasNextPage: {
      type: () => Boolean,
      says: 'Whether more follows this page.',
      of: ({ page }) => page.hasNextPage,
    },
    hasPreviousPage: {
      type: () => Boolean,
      says: 'Whether something comes before this page.',
      of: ({ page }) => page.hasPreviousPage,
    },
    startCursor: {
      type: () => String,
      nullable: true,
      says: 'The cursor of the first edge.',
      of: (connection) => cursorAt(connection, 0),
    },
    endCursor: {
      type: () => String,
      nullable: true,
      says: 'The cursor of the last edge.',
      of: (connection) => cursorAt(connection, -1),
    },
  },
});

function cursorAt<Node>(
  { page: { nodes }, cursor }: ConnectionOf<Node>,
  at: number,
): string | null {
  const node = nodes.at(at);
  return node === undefined ? null : cursor.of(node);
}

export interface ConnectionNames {
  /** The prefix of the type names: `Order` makes `OrderEdge` and `OrderConnection`. */
  readonly prefix: string;
  /** A node in a sentence: `order`, and with its article `An order`. */
  readonly noun: string;
  readonly aNoun: string;
  readonly nouns: string;
}

/**
 * @param node the type of the nodes
 * @param more fields of the connection beside `edges`, `nodes` and `pageInfo`
 */
export function connectionType<Node extends object, P extends Page<Node> = Page<Node>>(
  types: Types,
  { prefix, noun, aNoun, nouns }: ConnectionNames,
  node: TypeThunk,
  viewOf: (node: Node) => View<Node>,
  more: Fields<ConnectionOf<Node, P>> = {},
): ViewClass<ConnectionOf<Node, P>> {
  const Edge = types.object<EdgeOf<Node>>(`${prefix}Edge`, {
    says: `${aNoun} in a connection.`,
    fields: {
      cursor: {
        type: () => String,
        says: 'The place of this edge in its connection; opaque.',
        of: (edge) => edge.cursor.of(edge.node),
      },
      node: { type: node, says: `The ${noun}.`, of: (edge) => viewOf(edge.node) },
    },
  });
  return types.object<ConnectionOf<Node, P>>(`${prefix}Connection`, {
    says: `A page of ${nouns}.`,
    fields: {
      edges: {
        type: () => [Edge],
        says: `The ${nouns}, with their cursors.`,
        of: ({ page, cursor }) => page.nodes.map((each) => new Edge({ node: each, cursor })),
      },
      nodes: {
        // type-graphql writes a list as an array of one type.
        type: () => [node() as object],
        says: `The ${nouns} alone.`,
        of: ({ page }) => page.nodes.map(viewOf),
      },
      pageInfo: {
        type: () => PageInfo,
        says: 'The place of this page.',
        // PageInfo passes only this page's nodes to this page's codec.
        of: (connection) => new PageInfo(connection as unknown as ConnectionOf<never>),
      },
      ...more,
    },
  });
}
