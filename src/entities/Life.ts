/**
 * The table `lives`: where each life is now. Knows TypeORM, and nothing else of ours: what its states
 * mean, and who may change a row, is decided elsewhere.
 */
import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { LifeTransition } from './LifeTransition';

// `!` on the fields: TypeORM fills them, no constructor does.
@Entity({ name: 'lives' })
@Check(
  'lives_state_agrees_with_timestamps',
  `CASE state_type
     WHEN 'Gestating' THEN born_at IS NULL AND died_at IS NULL
     WHEN 'Alive' THEN born_at IS NOT NULL AND died_at IS NULL
     WHEN 'Dead' THEN died_at IS NOT NULL
     ELSE false
   END`,
)
@Check(
  'lives_happen_in_order',
  `born_at >= created_at AND died_at >= coalesce(born_at, created_at)`,
)
@Index('lives_by_state_and_age', ['stateType', 'createdAt', 'id'])
@Index('lives_by_age', ['createdAt', 'id'])
@ForeignKey(() => LifeTransition, ['id', 'version'], ['lifeId', 'version'], {
  name: 'lives_are_recorded',
  deferrable: 'INITIALLY DEFERRED',
})
export class Life {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'lives_pkey' })
  id!: string;

  @Column({ name: 'version', type: 'integer' })
  version!: number;

  /** The textual name of the phase: what the phase is rebuilt from. */
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
}
