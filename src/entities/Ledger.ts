/**
 * The table `ledger`, one row: how far the feed has come, and how many lives are in each state. Knows
 * TypeORM, and nothing else of ours.
 */
import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

// `!` on the fields: TypeORM fills them, no constructor does.
@Entity({ name: 'ledger' })
@Check('ledger_is_one_row', 'singleton')
export class Ledger {
  @PrimaryColumn({
    name: 'singleton',
    type: 'boolean',
    default: true,
    primaryKeyConstraintName: 'ledger_pkey',
  })
  singleton!: true;

  /** The position of the last transition; 0 before the first. */
  @Column({ name: 'position', type: 'bigint' })
  position!: string;

  /** By state name, how many lives are in it. */
  @Column({ name: 'counts', type: 'jsonb' })
  counts!: Readonly<Record<string, number>>;
}
