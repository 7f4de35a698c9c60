/** The type `Census`: the ledger, for everybody. */
import { Field, Int, ObjectType } from 'type-graphql';
import { type LifeState, lifecycle, statesOf } from '../../machine';
import type { Census } from 'persistent-machine/operations/census';
import { feedCursor } from 'persistent-machine/graphql/cursors';

@ObjectType('Census', {
  simpleResolvers: true,
  description: 'How many lives are in each phase, at constant cost.',
})
export class CensusType implements Readonly<Record<Uncapitalize<LifeState>, number>> {
  @Field(() => Int, { description: 'How many are gestating.' })
  readonly gestating: number;

  @Field(() => Int, { description: 'How many are alive.' })
  readonly alive: number;

  @Field(() => Int, { description: 'How many are dead.' })
  readonly dead: number;

  @Field(() => Int, { description: 'How many there are in all.' })
  readonly total: number;

  @Field(() => String, {
    description:
      'The cursor of the last transition that is counted: the feed after it is what is not.',
  })
  readonly cursor: string;

  constructor(census: Census) {
    const number = (state: LifeState): number => census.counts[state] ?? 0;
    this.gestating = number('Gestating');
    this.alive = number('Alive');
    this.dead = number('Dead');
    this.total = statesOf(lifecycle)
      .map(number)
      .reduce((sum, each) => sum + each);
    this.cursor = feedCursor.of(census);
  }
}
