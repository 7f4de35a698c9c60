/** Each kind of difference between a database and a declaration, and what the migration must say about it. */
import { Check, Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { entitiesOf, entityOf } from '../../src/integrity';
import {
  type AnyMachine,
  type Column as DeclaredColumn,
  type Declaration,
  type EventDeclaration,
  Machine,
  int,
  text,
} from '../../src/machine';
import { door, order } from './machines';
import type { Entities } from './migrations';

/** The entities of a machine, with decorators that an application adds to the entity of its records. */
export function entitiesFor(machine: AnyMachine, ...byHand: ClassDecorator[]): Entities {
  class Record extends entityOf(machine) {}
  for (const decorate of [Entity(), ...byHand]) decorate(Record);
  return Object.values(entitiesOf(Record));
}

/** A door with a changed declaration. */
function doorWith(change: (declaration: Declaration) => Partial<Declaration>): AnyMachine {
  const { declaration } = door as AnyMachine;
  return new Machine<Declaration>('Door', { ...declaration, ...change(declaration) });
}

export const plain = (): Entities => entitiesFor(door);

const says = 'Any description.';
const key = text({ min: 1, max: 20, says });

/** An event that is like the door's others. */
function moving(verb: string, more: Partial<EventDeclaration> = {}): EventDeclaration {
  return { verb, at: 'movedAt', says, ...more };
}

/** A door with a key, which one of its events sets. */
function keyedWith(
  ofKey: DeclaredColumn,
  setBy: Readonly<Record<string, EventDeclaration>>,
): AnyMachine {
  return doorWith(({ columns, events }) => ({
    columns: { ...columns, key: ofKey },
    events: { ...events, ...setBy },
    states: {
      Open: { says, has: ['movedAt'], may: ['key'], accepts: { Closing: 'Closed' } },
      Closed: { says, may: ['movedAt'], accepts: { Opening: 'Open', Locking: 'Locked' } },
      Locked: { says, has: ['movedAt'], may: ['key'], accepts: { Unlocking: 'Closed' } },
    },
  }));
}

const BY_LOCKING = { Locking: moving('lock', { sets: ['key'] }) };

/** A door with a key, which the event that locks it carries. */
export function keyedBy(ofKey: DeclaredColumn): AnyMachine {
  return keyedWith(ofKey, { Locking: moving('lock', { data: { key: ofKey } }) });
}

export const keyed = keyedBy(key);

@Entity('guests')
@Check('guests_have_names', "name <> ''")
export class Guest {
  @PrimaryGeneratedColumn('identity', { type: 'integer' })
  id!: number;

  @Column({ type: 'text', default: 'nobody' })
  name!: string;
}

@Entity('guests')
@Check('guests_have_long_names', 'char_length(name) > 3')
@Index('guests_by_name', ['name'], { unique: true })
export class NamedGuest {
  @PrimaryGeneratedColumn('identity', { type: 'integer' })
  id!: number;

  @Column({ type: 'text', default: 'anonymous' })
  name!: string;

  @Column({ type: 'integer', nullable: true })
  age!: number | null;

  @Column({ type: 'integer', generatedType: 'STORED', asExpression: 'age * 2', nullable: true })
  twice!: number | null;
}

export interface Difference {
  readonly what: string;
  readonly from: () => Entities;
  readonly to: () => Entities;
  /** What is done to the database by hand. */
  readonly drift?: readonly string[];
  /** What the migration must say, and what it need not touch. */
  readonly says: RegExp;
  readonly saysNot?: RegExp;
}

const same = { from: plain, to: plain };

export const differences: readonly Difference[] = [
  {
    what: 'columns, with their rules, and the first data of an event',
    from: plain,
    to: () => entitiesFor(keyed),
    says: /ADD COLUMN key text[^]*ADD COLUMN data jsonb[^]*doors_key_is_valid/,
    saysNot: /DROP TABLE|CREATE TABLE/,
  },
  {
    what: 'a column less',
    from: () => entitiesFor(keyed),
    to: plain,
    says: /DROP COLUMN key/,
  },
  {
    what: 'another type of a column',
    from: () => entitiesFor(keyedWith(text({ says }), BY_LOCKING)),
    to: () => entitiesFor(keyedWith(int({ max: 9, says }), BY_LOCKING)),
    says: /ALTER COLUMN key TYPE integer USING key::integer/,
  },
  {
    what: 'another rule of a column, under the same name',
    from: () => entitiesFor(keyedWith(key, BY_LOCKING)),
    to: () => entitiesFor(keyedWith(text({ min: 1, max: 30, says }), BY_LOCKING)),
    says: /char_length\(key\) <= 30/,
    saysNot: /FUNCTION|TRIGGER|ADD COLUMN/,
  },
  {
    what: 'a pattern with characters that mean something else in TypeScript',
    from: plain,
    to: () => entitiesFor(keyedWith(text({ pattern: /^`\${1}\\'"$/, says }), BY_LOCKING)),
    says: /doors_key_is_valid/,
  },
  {
    what: 'another event that sets a column',
    from: () => entitiesFor(keyedWith(text({ says }), BY_LOCKING)),
    to: () =>
      entitiesFor(keyedWith(text({ says }), { Opening: moving('open', { sets: ['key'] }) })),
    says: /CREATE OR REPLACE FUNCTION door_transitions_record_what_was_done/,
    saysNot: /CONSTRAINT|COLUMN|TRIGGER/,
  },
  {
    what: 'a state with its events',
    from: plain,
    to: () =>
      entitiesFor(
        doorWith(({ events, states }) => ({
          events: { ...events, Removal: moving('remove') },
          states: {
            ...states,
            Open: { says, has: ['movedAt'], accepts: { Closing: 'Closed', Removal: 'Removed' } },
            Removed: { says, has: ['movedAt'] },
          },
        })),
      ),
    says: /doors_state_agrees_with_columns[^]*door_transitions_are_legal/,
    saysNot: /UPDATE ledger/,
  },
  {
    what: 'an event between states that are there',
    from: plain,
    to: () =>
      entitiesFor(
        doorWith(({ events, states }) => ({
          events: { ...events, Slamming: moving('slam') },
          states: {
            ...states,
            Open: { says, has: ['movedAt'], accepts: { Closing: 'Closed', Slamming: 'Closed' } },
          },
        })),
      ),
    says: /'Slamming'/,
    saysNot: /doors_state_agrees_with_columns/,
  },
  {
    what: 'decorators that an application adds to an entity',
    from: plain,
    to: () =>
      entitiesFor(
        door,
        Index('doors_by_move', ['movedAt'], { where: "state_type = 'Open'" }),
        Check('doors_move_late', "moved_at > '2020-01-01Z'"),
      ),
    says: /CREATE INDEX doors_by_move/,
  },
  {
    what: 'an index less',
    from: () => entitiesFor(door, Index('doors_by_move', ['movedAt'])),
    to: plain,
    says: /DROP INDEX doors_by_move/,
  },
  {
    what: 'a machine more',
    from: plain,
    to: () => [...plain(), ...entitiesFor(order)],
    says: /CREATE TABLE orders[^]*INSERT INTO order_ledger/,
    saysNot: /refuse_change\(\) RETURNS|doors/,
  },
  {
    what: 'a table that belongs to no machine',
    from: plain,
    to: () => [...plain(), Guest],
    says: /CREATE TABLE guests[^]*IDENTITY/,
  },
  {
    what: 'changes of a table that belongs to no machine',
    from: () => [...plain(), Guest],
    to: () => [...plain(), NamedGuest],
    says: /SET DEFAULT 'anonymous'[^]*guests_by_name/,
  },
  {
    ...same,
    what: 'an index that an operator dropped',
    drift: ['DROP INDEX doors_by_age'],
    says: /CREATE INDEX doors_by_age/,
  },
  {
    ...same,
    what: 'an index that an operator created',
    drift: ['CREATE INDEX by_whim ON doors (version)'],
    says: /DROP INDEX by_whim/,
  },
  {
    ...same,
    what: 'a CHECK that an operator loosened, and one that is gone',
    drift: [
      'ALTER TABLE doors DROP CONSTRAINT doors_state_agrees_with_columns',
      'ALTER TABLE doors ADD CONSTRAINT doors_state_agrees_with_columns CHECK (true)',
      'ALTER TABLE door_transitions DROP CONSTRAINT door_transitions_are_legal',
    ],
    says: /DROP CONSTRAINT doors_state_agrees_with_columns[^]*ADD CONSTRAINT doors_state_agrees_with_columns/,
  },
  {
    ...same,
    what: 'a foreign key that an operator made not deferrable',
    drift: ['ALTER TABLE doors ALTER CONSTRAINT doors_are_recorded NOT DEFERRABLE'],
    says: /INITIALLY DEFERRED/,
  },
  {
    ...same,
    what: 'a trigger that an operator disabled, and one that is gone',
    drift: [
      'ALTER TABLE doors DISABLE TRIGGER doors_change_by_transition',
      'DROP TRIGGER ledger_is_never_deleted ON ledger',
    ],
    says: /DROP TRIGGER doors_change_by_transition[^]*CREATE TRIGGER doors_change_by_transition/,
    saysNot: /FUNCTION \w+\(\) RETURNS/,
  },
  {
    ...same,
    what: 'a function that an operator loosened',
    drift: [
      `CREATE OR REPLACE FUNCTION ledger_counts_what_was_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RETURN NULL; -- for \`once\`, and \${schema}
       END $$`,
    ],
    says: /CREATE OR REPLACE FUNCTION ledger_counts_what_was_recorded/,
    saysNot: /TRIGGER /,
  },
  {
    ...same,
    what: 'a column that an operator added, with a default',
    drift: ["ALTER TABLE doors ADD COLUMN whim text NOT NULL DEFAULT 'none'"],
    says: /DROP COLUMN whim/,
  },
  {
    ...same,
    what: 'a column that an operator made NOT NULL',
    drift: ['ALTER TABLE doors ALTER COLUMN moved_at SET NOT NULL'],
    says: /ALTER COLUMN moved_at DROP NOT NULL/,
  },
  {
    ...same,
    what: 'TypeORM’s metadata of a generated column',
    drift: ["UPDATE typeorm_metadata SET value = 'version'"],
    says: /INSERT INTO typeorm_metadata/,
    saysNot: /previous_version integer/,
  },
];
