/**
 * A program: the usual code with the same libraries. type-graphql on Apollo's standalone server; a birth is a TypeORM
 * transaction that locks the life, saves it, and inserts its history row.
 */
import 'reflect-metadata';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import {
  Arg,
  Field,
  ID,
  Int,
  InterfaceType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  buildSchema,
  createUnionType,
  registerEnumType,
} from 'type-graphql';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { serve } from '../processes';
import { databaseUrl, poolSize } from './environment';

// `!` on the fields of entities and types, because TypeORM and Object.assign fill them.

@Entity({ name: 'lives' })
class LifeEntity {
  @PrimaryColumn({ type: 'uuid' }) id!: string;
  @Column({ type: 'integer' }) version!: number;
  @Column({ name: 'state_type', type: 'text' }) stateType!: 'Gestating' | 'Alive' | 'Dead';
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'updated_at', type: 'timestamptz' }) updatedAt!: Date;
  @Column({ name: 'born_at', type: 'timestamptz', nullable: true }) bornAt!: Date | null;
  @Column({ name: 'died_at', type: 'timestamptz', nullable: true }) diedAt!: Date | null;
}

@Entity({ name: 'life_transitions' })
class LifeTransitionEntity {
  @PrimaryColumn({ name: 'life_id', type: 'uuid' }) lifeId!: string;
  @PrimaryColumn({ type: 'integer' }) version!: number;
  @Column({ type: 'text' }) event!: string;
  @Column({ name: 'from_state_type', type: 'text' }) fromStateType!: string;
  @Column({ name: 'state_type', type: 'text' }) stateType!: string;
  @Column({ name: 'occurred_at', type: 'timestamptz' }) occurredAt!: Date;
  @Column({ name: 'recorded_at', type: 'timestamptz' }) recordedAt!: Date;
}

enum Phase {
  GESTATING = 'GESTATING',
  ALIVE = 'ALIVE',
  DEAD = 'DEAD',
}
registerEnumType(Phase, { name: 'Phase' });

enum LifeEvent {
  CONCEPTION = 'CONCEPTION',
  BIRTH = 'BIRTH',
  DEATH = 'DEATH',
}
registerEnumType(LifeEvent, { name: 'LifeEvent' });

@InterfaceType()
abstract class Life {
  @Field(() => ID) id!: string;
  @Field(() => Phase) phase!: Phase;
  @Field(() => Int) version!: number;
  @Field(() => Date) createdAt!: Date;
  @Field(() => Date) updatedAt!: Date;
  @Field(() => [LifeEvent]) nextEvents!: readonly LifeEvent[];
}

// Simple resolvers, because the fields are properties, and type-graphql's wrappers would cost time.
@ObjectType({ implements: Life, simpleResolvers: true })
class Gestating extends Life {}

@ObjectType({ implements: Life, simpleResolvers: true })
class Alive extends Life {
  @Field(() => Date) bornAt!: Date | null;
}

@ObjectType({ implements: Life, simpleResolvers: true })
class Dead extends Life {
  @Field(() => Date, { nullable: true }) bornAt!: Date | null;
  @Field(() => Date) diedAt!: Date | null;
}

@InterfaceType()
abstract class TransitionError {
  @Field(() => String) message: string;

  constructor(message: string) {
    this.message = message;
  }
}

@ObjectType({ implements: TransitionError, simpleResolvers: true })
class LifeNotFound extends TransitionError {}

@ObjectType({ implements: TransitionError, simpleResolvers: true })
class IllegalTransition extends TransitionError {}

const BirthResult = createUnionType({
  name: 'BirthResult',
  types: () => [Alive, LifeNotFound, IllegalTransition] as const,
});

function gestatingOf(life: LifeEntity): Gestating {
  const nextEvents = [LifeEvent.BIRTH, LifeEvent.DEATH];
  return Object.assign(new Gestating(), life, { phase: Phase.GESTATING, nextEvents });
}

function aliveOf(life: LifeEntity): Alive {
  return Object.assign(new Alive(), life, { phase: Phase.ALIVE, nextEvents: [LifeEvent.DEATH] });
}

function deadOf(life: LifeEntity): Dead {
  return Object.assign(new Dead(), life, { phase: Phase.DEAD, nextEvents: [] });
}

const typeOf = { Gestating: gestatingOf, Alive: aliveOf, Dead: deadOf };

const dataSource = new DataSource({
  type: 'postgres',
  url: databaseUrl,
  poolSize,
  entities: [LifeEntity, LifeTransitionEntity],
  installExtensions: false,
  logging: false,
});

@Resolver()
class LifeResolver {
  @Query(() => Life, { nullable: true })
  async life(@Arg('id', () => ID) id: string): Promise<Life | null> {
    const life = await dataSource.manager.findOneBy(LifeEntity, { id });
    return life && typeOf[life.stateType](life);
  }

  @Mutation(() => BirthResult, { nullable: true })
  async birth(@Arg('id', () => ID) id: string): Promise<typeof BirthResult> {
    return dataSource.transaction(async (manager) => {
      const life = await manager.findOne(LifeEntity, {
        where: { id },
        lock: { mode: 'pessimistic_write' },
      });
      if (life === null) return new LifeNotFound(`There is no life ${id}.`);
      if (life.stateType !== 'Gestating') {
        return new IllegalTransition(`Birth is not possible in ${life.stateType}.`);
      }
      const now = new Date();
      life.version += 1;
      life.stateType = 'Alive';
      life.updatedAt = now;
      life.bornAt = now;
      await manager.save(life);
      await manager.insert(LifeTransitionEntity, {
        lifeId: id,
        version: life.version,
        event: 'Birth',
        fromStateType: 'Gestating',
        stateType: life.stateType,
        occurredAt: now,
        recordedAt: now,
      });
      return aliveOf(life);
    });
  }
}

async function main(): Promise<void> {
  await dataSource.initialize();
  const schema = await buildSchema({
    resolvers: [LifeResolver],
    orphanedTypes: [Gestating, Alive, Dead],
    validate: false,
  });
  const server = new ApolloServer({
    schema,
    introspection: false,
    plugins: [ApolloServerPluginCacheControlDisabled()],
  });
  const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } });
  serve(async () => null, url.replace(/\/$/, ''));
}

void main();
