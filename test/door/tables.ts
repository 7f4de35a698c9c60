/** The door's tables: three of its own, as entities and as SQL; nothing of them is shared with lives. */
import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

// `!` on the fields: TypeORM fills them, no constructor does.
@Entity({ name: 'doors' })
export class DoorEntity {
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

  @Column({ name: 'moved_at', type: 'timestamptz', precision: 3 })
  movedAt!: Date;
}

@Entity({ name: 'door_transitions' })
@Unique('door_transitions_position_key', ['position'])
@Index('door_transitions_idempotency_key', ['doorId', 'idempotencyKey'], {
  unique: true,
  where: 'idempotency_key IS NOT NULL',
})
export class DoorTransition {
  @PrimaryColumn({ name: 'door_id', type: 'uuid' })
  doorId!: string;

  @PrimaryColumn({ name: 'version', type: 'integer' })
  version!: number;

  @Column({ name: 'event', type: 'text' })
  event!: string;

  @Column({ name: 'from_state_type', type: 'text', nullable: true })
  fromStateType!: string | null;

  @Column({ name: 'state_type', type: 'text' })
  stateType!: string;

  @Column({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3 })
  updatedAt!: Date;

  @Column({ name: 'moved_at', type: 'timestamptz', precision: 3 })
  movedAt!: Date;

  @Column({ name: 'occurred_at', type: 'timestamptz', precision: 3 })
  occurredAt!: Date;

  @Column({ name: 'recorded_at', type: 'timestamptz', precision: 3 })
  recordedAt!: Date;

  @Column({ name: 'position', type: 'bigint' })
  position!: string;

  @Column({ name: 'actor', type: 'text', nullable: true })
  actor!: string | null;

  @Column({ name: 'idempotency_key', type: 'text', nullable: true })
  idempotencyKey!: string | null;

  @Column({ name: 'token', type: 'uuid', nullable: true })
  token!: string | null;
}

@Entity({ name: 'door_ledger' })
@Check('door_ledger_is_one_row', 'singleton')
export class DoorLedger {
  @PrimaryColumn({ name: 'singleton', type: 'boolean', default: true })
  singleton!: true;

  @Column({ name: 'position', type: 'bigint' })
  position!: string;

  @Column({ name: 'counts', type: 'jsonb' })
  counts!: Readonly<Record<string, number>>;
}

/** As a migration would make them. The triggers of the lives' migration are left away: they are optional. */
export const DOOR_TABLES = `
  CREATE TABLE doors (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    state_type text NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    moved_at timestamptz(3) NOT NULL
  );
  CREATE TABLE door_transitions (
    door_id uuid,
    version integer,
    event text NOT NULL,
    from_state_type text,
    state_type text NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    moved_at timestamptz(3) NOT NULL,
    occurred_at timestamptz(3) NOT NULL,
    recorded_at timestamptz(3) NOT NULL,
    position bigint NOT NULL CONSTRAINT door_transitions_position_key UNIQUE,
    actor text,
    idempotency_key text,
    token uuid,
    PRIMARY KEY (door_id, version)
  );
  CREATE UNIQUE INDEX door_transitions_idempotency_key
    ON door_transitions (door_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE TABLE door_ledger (
    singleton boolean DEFAULT true PRIMARY KEY CONSTRAINT door_ledger_is_one_row CHECK (singleton),
    position bigint NOT NULL,
    counts jsonb NOT NULL
  );
  INSERT INTO door_ledger (position, counts) VALUES (0, '{}');`;
