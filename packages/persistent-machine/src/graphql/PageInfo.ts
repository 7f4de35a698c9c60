/** What all connections share: `PageInfo`, and the way from a page of ours to one of Relay's. */
import { Field, ObjectType } from 'type-graphql';
import type { Page } from '../operations/page';
import type { CursorCodec } from './cursors';

@ObjectType('PageInfo', {
  simpleResolvers: true,
  description: 'Where a page lies in its connection.',
})
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more follows this page. Exact.' })
  readonly hasNextPage: boolean;

  @Field(() => Boolean, { description: 'Whether something comes before this page. Exact.' })
  readonly hasPreviousPage: boolean;

  @Field(() => String, { nullable: true, description: 'The cursor of the first edge.' })
  readonly startCursor: string | null;

  @Field(() => String, { nullable: true, description: 'The cursor of the last edge.' })
  readonly endCursor: string | null;

  constructor(page: Page<unknown>, cursors: readonly string[]) {
    this.hasNextPage = page.hasNextPage;
    this.hasPreviousPage = page.hasPreviousPage;
    this.startCursor = cursors.at(0) ?? null;
    this.endCursor = cursors.at(-1) ?? null;
  }
}

/**
 * The fields of a connection.
 *
 * @param edgeOf makes the edge of a node; its `node` is the GraphQL view of it
 */
export function connectionOf<
  Node,
  Edge extends { readonly cursor: string; readonly node: unknown },
>(
  page: Page<Node>,
  cursor: Pick<CursorCodec<Node>, 'of'>,
  edgeOf: (cursor: string, node: Node) => Edge,
): { edges: Edge[]; nodes: Edge['node'][]; pageInfo: PageInfo } {
  const edges = page.nodes.map((node) => edgeOf(cursor.of(node), node));
  const cursors = edges.map((edge) => edge.cursor);
  return { edges, nodes: edges.map(({ node }) => node), pageInfo: new PageInfo(page, cursors) };
}
