/**
 * Machines that open and close, each under a name of its own, and an application that serves some of them: with tables by
 * a migration, and fields that a test asks for. Does not know what a test is about.
 */
import {
  Arg,
  Ctx,
  Extensions,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
  type SubscribeResolverData,
} from 'type-graphql';
import {
  Column,
  Entity,
  Index,
  type MigrationInterface,
  PrimaryColumn,
  type QueryRunner,
  Unique,
} from 'typeorm';
import type { Served } from 'persistent-machine/application';
import { dataSourceOf } from 'persistent-machine/database/dataSource';
import type { AnyKind, Context } from 'persistent-machine/graphql/context';
import {
  IllegalTransition,
  type MachineRecord,
  type Moment,
  TransitionError,
  nextEvents,
  successor,
} from 'persistent-machine/machine';
import type { MachineEntities } from 'persistent-machine/operations/tables';

const SWING = {
  initial: { event: 'Installation', to: 'Closed' },
  transitions: { Closed: { Opening: 'Open' }, Open: { Closing: 'Closed' } },
} as const;

class Phase {
  constructor(readonly state: MachineRecord) {}

  get stateType(): string {
    return this.state.stateType;
  }

  get occurredAt(): Date {
    return this.state.updatedAt;
  }

  get nextEvents(): readonly string[] {
    return nextEvents(SWING, this.isOpen ? 'Open' : 'Closed');
  }

  get isOpen(): boolean {
    return this.stateType === 'Open';
  }

  moved(event: 'Opening' | 'Closing', at: Moment): Phase | TransitionError {
    if (this.isOpen === (event === 'Opening')) return new IllegalTransition(event, this);
    const stateType = event === 'Opening' ? 'Open' : 'Closed';
    return new Phase({ ...successor(this.state, at.now), stateType });
  }
}

/** @param name in the singular, as `Door`; its tables are `doors`, `door_transitions` and `door_ledger` */
export function swing(name: string): AnyKind {
  const noun = name.toLowerCase();
  return {
    name,
    plural: `${noun}s`,
    machine: SWING,
    phaseOf: (record: MachineRecord) => new Phase(record),
    entities: entitiesOf(noun),
  };
}

// `!` on the fields: TypeORM fills them, no constructor does.
function entitiesOf(noun: string): MachineEntities {
  @Entity({ name: `${noun}s` })
  class Swing {
    @PrimaryColumn({ name: 'id', type: 'uuid' })
    id!: string;

    @Column({ name: 'version', type: 'integer' })
    version!: number;

    @Column({ name: 'state_type', type: 'text' })
    stateType!: string;

    @Column({ name: 'created_at', type: 'timestamptz', precision: 3 })
    createdAt!: Date;

    @Column({ name: 'updated_at', type: 'timestamptz', precision: 3 })
    updatedAt!: Date;
  }

  @Entity({ name: `${noun}_transitions` })
  @Unique(`${noun}_transitions_position_key`, ['position'])
  @Index(`${noun}_transitions_idempotency_key`, ['swingId', 'idempotencyKey'], { unique: true })
  class Transition {
    @PrimaryColumn({ name: 'swing_id', type: 'uuid' })
    swingId!: string;

    @PrimaryColumn({ name: 'version', type: 'integer' })
    version!: number;

    @Column({
      name: 'previous_version',
      type: 'integer',
      asExpression: 'nullif(version - 1, 0)',
      generatedType: 'STORED',
      nullable: true,
    })
    previousVersion!: number | null;

    @Column({ name: 'state_type', type: 'text' })
    stateType!: string;

    @Column({ name: 'created_at', type: 'timestamptz', precision: 3 })
    createdAt!: Date;

    @Column({ name: 'updated_at', type: 'timestamptz', precision: 3 })
    updatedAt!: Date;

    @Column({ name: 'position', type: 'bigint' })
    position!: string;

    @Column({ name: 'idempotency_key', type: 'text', nullable: true })
    idempotencyKey!: string | null;
  }

  @Entity({ name: `${noun}_ledger` })
  class Ledger {
    @PrimaryColumn({ name: 'singleton', type: 'boolean' })
    singleton!: true;
  }

  return { record: Swing, history: Transition, ledger: Ledger };
}

/** As a migration makes them, without the triggers, which no statement needs. */
function tablesOf(noun: string): string {
  return `
    CREATE TABLE ${noun}s (
      id uuid PRIMARY KEY,
      version integer NOT NULL,
      state_type text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      updated_at timestamptz(3) NOT NULL
    );
    CREATE TABLE ${noun}_transitions (
      swing_id uuid,
      version integer,
      previous_version integer GENERATED ALWAYS AS (nullif(version - 1, 0)) STORED,
      event text NOT NULL,
      from_state_type text,
      state_type text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      updated_at timestamptz(3) NOT NULL,
      occurred_at timestamptz(3) NOT NULL,
      recorded_at timestamptz(3) NOT NULL,
      position bigint NOT NULL CONSTRAINT ${noun}_transitions_position_key UNIQUE,
      actor text,
      idempotency_key text,
      token uuid,
      PRIMARY KEY (swing_id, version)
    );
    CREATE UNIQUE INDEX ${noun}_transitions_idempotency_key
      ON ${noun}_transitions (swing_id, idempotency_key);
    CREATE TABLE ${noun}_ledger (
      singleton boolean DEFAULT true PRIMARY KEY CHECK (singleton),
      position bigint NOT NULL,
      counts jsonb NOT NULL
    );
    INSERT INTO ${noun}_ledger (position, counts) VALUES (0, '{}');`;
}

function migrationOf(kinds: readonly AnyKind[]): new () => MigrationInterface {
  return class Swings1764000000000 implements MigrationInterface {
    async up(queryRunner: QueryRunner): Promise<void> {
      for (const { name } of kinds) await queryRunner.query(tablesOf(name.toLowerCase()));
    }

    async down(): Promise<void> {
      return Promise.reject(new Error('No test takes it back.'));
    }
  };
}

/** The fields of a machine: of doors `doors`, `door`, `installDoor`, `openDoor`, `closeDoor`, `doorChanged`, `doorMoved`. */
function resolverOf(kind: AnyKind): new () => object {
  const { name, plural } = kind;
  const noun = name.toLowerCase();
  const told = ({ state }: Phase): string => `${name} ${state.id} ${state.stateType}`;
  /** @returns where it is; why it is not, where that is refused */
  const move = async (
    event: 'Opening' | 'Closing',
    id: string,
    { machines, actor, deadline }: Context,
  ): Promise<string | null> => {
    const { store } = machines.of(kind);
    const step = (phase: Phase, at: Moment): Phase | TransitionError => phase.moved(event, at);
    const outcome = await store.transition(id, event, step, { actor, deadline });
    if (outcome === null) return null;
    return outcome instanceof TransitionError ? outcome.message : told(outcome);
  };

  @Resolver()
  class SwingResolver {
    @Extensions({ machine: plural })
    @Query(() => Int, { name: plural })
    async count(@Ctx() { machines, deadline }: Context): Promise<number> {
      const { counts } = await machines.of(kind).reader.census(deadline);
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    }

    @Extensions({ machine: plural })
    @Query(() => String, { name: noun, nullable: true })
    async find(
      @Arg('id', () => ID) id: string,
      @Ctx() { machines, deadline }: Context,
    ): Promise<string | null> {
      const phase = await machines.of(kind).store.find(id, deadline);
      return phase && told(phase);
    }

    @Extensions({ machine: plural })
    @Mutation(() => ID, { name: `install${name}`, nullable: true })
    async install(@Ctx() { machines, newId, actor, deadline }: Context): Promise<string> {
      const id = newId();
      const first = (now: Date): Phase =>
        new Phase({ id, version: 1, stateType: 'Closed', createdAt: now, updatedAt: now });
      await machines.of(kind).store.begin('Installation', first, { actor, deadline });
      return id;
    }

    @Extensions({ machine: plural })
    @Mutation(() => String, { name: `open${name}`, nullable: true })
    async open(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<string | null> {
      return move('Opening', id, context);
    }

    @Extensions({ machine: plural })
    @Mutation(() => String, { name: `close${name}`, nullable: true })
    async close(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<string | null> {
      return move('Closing', id, context);
    }

    @Extensions({ machine: plural })
    @Subscription(() => String, {
      name: `${noun}Moved`,
      subscribe: async ({
        context: { machines, deadline },
      }: SubscribeResolverData<unknown, object, Context>) =>
        machines.of(kind).feed.transitions(null, undefined, deadline),
    })
    moved(@Root() { event, phase }: { event: string; phase: Phase }): string {
      return `${event} ${phase.state.id}`;
    }
  }

  return SwingResolver;
}

/** Belongs to no machine. */
@Resolver()
class CommonResolver {
  @Query(() => String)
  greeting(): string {
    return 'Hello';
  }
}

export function serving(...kinds: AnyKind[]): Served {
  const migration = migrationOf(kinds);
  return {
    machines: kinds,
    resolvers: [CommonResolver, ...kinds.map(resolverOf)],
    createDataSource: (settings) =>
      dataSourceOf(settings, {
        entities: kinds.flatMap(({ entities: { record, history, ledger } }) => [
          record,
          history,
          ledger,
        ]) as (new () => object)[],
        migrations: [migration],
      }),
  };
}
