/** The connection of lives. */
import { Field, Int, ObjectType } from 'type-graphql';
import type { Phase } from '../../machine';
import type { Page } from 'persistent-machine/operations/page';
import { lifeCursor } from 'persistent-machine/graphql/cursors';
import { LifeType, lifeTypeOf } from './Life';
import { PageInfo, connectionOf } from 'persistent-machine/graphql/PageInfo';

@ObjectType('LifeEdge', { simpleResolvers: true, description: 'A life in a connection.' })
export class LifeEdge {
  @Field(() => String, { description: 'The place of this edge in its connection; opaque.' })
  readonly cursor: string;

  @Field(() => LifeType, { description: 'The life.' })
  readonly node: LifeType;

  constructor(cursor: string, life: Phase) {
    this.cursor = cursor;
    this.node = lifeTypeOf(life);
  }
}

@ObjectType('LifeConnection', { simpleResolvers: true, description: 'A page of lives.' })
export class LifeConnection {
  @Field(() => [LifeEdge], { description: 'The lives, with their cursors.' })
  readonly edges: readonly LifeEdge[];

  @Field(() => [LifeType], { description: 'The lives alone.' })
  readonly nodes: readonly LifeType[];

  @Field(() => PageInfo, { description: 'Where this page lies.' })
  readonly pageInfo: PageInfo;

  @Field(() => Int, { description: 'How many lives there are on all pages together.' })
  readonly totalCount: number;

  constructor(page: Page<Phase> & { readonly total: number }) {
    const connection = connectionOf(page, lifeCursor, (cursor, life) => new LifeEdge(cursor, life));
    this.edges = connection.edges;
    this.nodes = connection.nodes;
    this.pageInfo = connection.pageInfo;
    this.totalCount = page.total;
  }
}
