/** Relay's connections: `PageInfo`, which all have in common, and the types of a connection and its edges. */
import type { Page } from '../operations/page';
import type { CursorCodec } from './cursors';
import { type Fields, type TypeThunk, type Types, objectType } from './types';
import type { View, ViewClass } from './View';

/** A page of ours, and what the cursors of its connection are. */
export interface ConnectionOf<Node, P extends Page<Node> = Page<Node>> {
  readonly page: P;
  readonly cursor: Pick<CursorCodec<Node>, 'of'>;
}

interface EdgeOf<Node> {
  readonly node: Node;
  readonly cursor: Pick<CursorCodec<Node>, 'of'>;
}

const PageInfo = objectType<ConnectionOf<never>>('PageInfo', {
  says: 'Where a page lies in its connection.',
  fields: {
    hasNextPage: {
      type: () => Boolean,
      says: 'Whether more follows this page. Exact.',
      of: ({ page }) => page.hasNextPage,
    },
    hasPreviousPage: {
      type: () => Boolean,
      says: 'Whether something comes before this page. Exact.',
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
  /** What its names begin with: `Order` has an `OrderEdge`, and an `OrderConnection`. */
  readonly prefix: string;
  /** What a node is in a sentence, `order`, and with its article. */
  readonly noun: string;
  readonly aNoun: string;
  readonly nouns: string;
}

/**
 * @param node the type of the nodes
 * @param viewOf the view of one
 * @param more what the connection has beside its edges, its nodes and `pageInfo`
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
        // A list of what the node's type is.
        type: () => [node() as object],
        says: `The ${nouns} alone.`,
        of: ({ page }) => page.nodes.map(viewOf),
      },
      pageInfo: {
        type: () => PageInfo,
        says: 'Where this page lies.',
        // It asks for the cursors of these very nodes.
        of: (connection) => new PageInfo(connection as unknown as ConnectionOf<never>),
      },
      ...more,
    },
  });
}
