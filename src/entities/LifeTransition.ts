/**
 * The table `life_transitions`: every version of every life, append-only. A row holds the life's columns
 * as they were right after, so that any version can be rebuilt as a typed phase. Knows TypeORM, and
 * nothing else of ours.
 */
import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

// `!` on the fields: TypeORM fills them, no constructor does.
@Entity({ name: 'life_transitions' })
@Check('life_transitions_position_is_positive', `position >= 1`)
@Check('life_transitions_begin_at_version_1', `(version = 1) = (from_state_type IS NULL)`)
@Check(
  'life_transitions_are_legal',
  // coalesce, since a null beside IN makes the CHECK null, which passes.
  `(coalesce(from_state_type, ''), event, state_type) IN (
     ('', 'Conception', 'Gestating'),
     ('Gestating', 'Birth', 'Alive'),
     ('Gestating', 'Death', 'Dead'),
     ('Alive', 'Death', 'Dead'))`,
)
@Check(
  'life_transitions_occurred_as_the_life_says',
  `occurred_at IS NOT DISTINCT FROM CASE event
     WHEN 'Conception' THEN created_at
     WHEN 'Birth' THEN born_at
     WHEN 'Death' THEN died_at
   END`,
)
@Unique('life_transitions_position_key', ['position'])
@Index('life_transitions_by_event', ['event', 'position'])
@Index('life_transitions_idempotency_key', ['lifeId', 'idempotencyKey'], {
  unique: true,
  where: 'idempotency_key IS NOT NULL',
})
export class LifeTransition {
  @PrimaryColumn({
    name: 'life_id',
    type: 'uuid',
    primaryKeyConstraintName: 'life_transitions_pkey',
  })
  lifeId!: string;

  @PrimaryColumn({
    name: 'version',
    type: 'integer',
    primaryKeyConstraintName: 'life_transitions_pkey',
  })
  version!: number;

  /** Null for version 1; by it the database finds the transition that each other one must follow. */
  @Column({
    name: 'previous_version',
    type: 'integer',
    nullable: true,
    generatedType: 'STORED',
    asExpression: 'nullif(version - 1, 0)',
  })
  previousVersion!: number | null;

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

  @Column({ name: 'born_at', type: 'timestamptz', precision: 3, nullable: true })
  bornAt!: Date | null;

  @Column({ name: 'died_at', type: 'timestamptz', precision: 3, nullable: true })
  diedAt!: Date | null;

  /** When it happened, as the caller says. */
  @Column({ name: 'occurred_at', type: 'timestamptz', precision: 3 })
  occurredAt!: Date;

  @Column({ name: 'recorded_at', type: 'timestamptz', precision: 3 })
  recordedAt!: Date;

  /** Its place in the feed of all transitions: gapless, and in the order of commits. */
  @Column({ name: 'position', type: 'bigint' })
  position!: string;

  /** Who asked for it. */
  @Column({ name: 'actor', type: 'text', nullable: true })
  actor!: string | null;

  /** What the caller retries with. */
  @Column({ name: 'idempotency_key', type: 'text', nullable: true })
  idempotencyKey!: string | null;

  /** By which the store recognises its own row when it lost the answer to a commit. */
  @Column({ name: 'token', type: 'uuid', nullable: true })
  token!: string | null;
}
