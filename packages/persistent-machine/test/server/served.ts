/**
 * An application that serves doors and tickets, all of whose GraphQL is derived, with entities and tables that a
 * migration makes. Does not know what a test is about.
 */
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
import type { MachineEntities } from 'persistent-machine/operations/tables';
import { doors } from '../graphql/door';
import { tickets } from './ticket';

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (each) => `_${each}`).toLowerCase();

/** @param moments the columns of the machine's own, all of them moments */
function entitiesOf(noun: string, moments: readonly string[]): MachineEntities {
  // `!` on the fields: TypeORM fills them, no constructor does.
  @Entity({ name: `${noun}s` })
  class Row {
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
  @Index(`${noun}_transitions_idempotency_key`, ['ownerId', 'idempotencyKey'], { unique: true })
  class Transition {
    @PrimaryColumn({ name: 'owner_id', type: 'uuid' })
    ownerId!: string;

    @PrimaryColumn({ name: 'version', type: 'integer' })
    version!: number;

    @Column({ name: 'state_type', type: 'text' })
    stateType!: string;

    @Column({ name: 'created_at', type: 'timestamptz', precision: 3 })
    createdAt!: Date;

    @Column({ name: 'updated_at', type: 'timestamptz', precision: 3 })
    updatedAt!: Date;

    @Column({
      name: 'previous_version',
      type: 'integer',
      asExpression: 'nullif(version - 1, 0)',
      generatedType: 'STORED',
      nullable: true,
    })
    previousVersion!: number | null;

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

  for (const name of moments) {
    const column = {
      name: snakeCase(name),
      type: 'timestamptz',
      precision: 3,
      nullable: true,
    } as const;
    for (const entity of [Row, Transition]) Column(column)(entity.prototype, name);
  }
  return { record: Row, history: Transition, ledger: Ledger };
}

/** As a migration makes them, without the triggers, which no statement needs. */
function tablesOf(noun: string, moments: readonly string[]): string {
  const own = moments.map((name) => `${snakeCase(name)} timestamptz(3),`).join(' ');
  return `
    CREATE TABLE ${noun}s (
      id uuid PRIMARY KEY,
      version integer NOT NULL,
      state_type text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      ${own}
      updated_at timestamptz(3) NOT NULL
    );
    CREATE TABLE ${noun}_transitions (
      owner_id uuid,
      version integer,
      previous_version integer GENERATED ALWAYS AS (nullif(version - 1, 0)) STORED,
      event text NOT NULL,
      from_state_type text,
      state_type text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      ${own}
      updated_at timestamptz(3) NOT NULL,
      occurred_at timestamptz(3) NOT NULL,
      recorded_at timestamptz(3) NOT NULL,
      position bigint NOT NULL CONSTRAINT ${noun}_transitions_position_key UNIQUE,
      actor text,
      idempotency_key text,
      token uuid,
      PRIMARY KEY (owner_id, version)
    );
    CREATE UNIQUE INDEX ${noun}_transitions_idempotency_key
      ON ${noun}_transitions (owner_id, idempotency_key);
    CREATE TABLE ${noun}_ledger (
      singleton boolean DEFAULT true PRIMARY KEY CHECK (singleton),
      position bigint NOT NULL,
      counts jsonb NOT NULL
    );
    INSERT INTO ${noun}_ledger (position, counts) VALUES (0, '{}');`;
}

const OF_DOORS = ['door', ['openedAt', 'shutAt']] as const;
const OF_TICKETS = ['ticket', ['settledAt']] as const;

class Tables1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(tablesOf(...OF_DOORS));
    await queryRunner.query(tablesOf(...OF_TICKETS));
  }

  async down(): Promise<void> {
    return Promise.reject(new Error('No test takes it back.'));
  }
}

const machines = [
  { lifecycle: doors, entities: entitiesOf(...OF_DOORS) },
  { lifecycle: tickets, entities: entitiesOf(...OF_TICKETS) },
];

export const served: Served = {
  machines,
  createDataSource: (settings) =>
    dataSourceOf(settings, { machines, migrations: [Tables1764000000000] }),
};
