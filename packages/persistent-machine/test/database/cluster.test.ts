/**
 * What is said of a cluster's statements and errors without one: names of constraints as shards have them, and the
 * statements about triggers. The texts are those of Citus 13.
 */
import { isAboutTrigger } from 'persistent-machine/database/distribution';
import { RefusedData } from 'persistent-machine/database/failures';

function refusal(constraint: string | undefined, message: string): RefusedData {
  return new RefusedData(constraint, { cause: new Error(message) });
}

test.each([
  [true, 'doors_key', 'duplicate key value violates unique constraint "doors_key_102023"'],
  [false, 'doors_key', 'duplicate key value violates unique constraint "doors_key_2_102023"'],
  [true, 'doors_key_2', 'duplicate key value violates unique constraint "doors_key_2_102023"'],
  [
    true,
    'this_is_a_constraint_name_of_nearly_sixty_three_characters_key',
    'duplicate key value violates unique constraint "this_is_a_constraint_name_of_nearly_sixty_three_48e04d04_102122"',
  ],
  [false, 'doors_key', 'new row for relation "doors_102023" violates check constraint "is_open"'],
])('that a shard refuses a row by the named constraint is %s: %s', (isIt, name, message) => {
  expect(refusal(undefined, message).violates(name)).toBe(isIt);
});

test('where PostgreSQL names the constraint itself, its message does not matter', () => {
  const refused = refusal('doors_key', 'duplicate key value violates unique constraint "other_1"');
  expect([refused.violates('doors_key'), refused.violates('other')]).toEqual([true, false]);
});

test.each([
  'CREATE TRIGGER doors_are_kept\n  BEFORE DELETE ON doors\n  EXECUTE FUNCTION refuse_change()',
  'CREATE CONSTRAINT TRIGGER counts AFTER UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION counts()',
  'DROP TRIGGER doors_are_kept ON doors',
  'ALTER TABLE doors DISABLE TRIGGER doors_are_kept',
  'ALTER TABLE doors ENABLE ALWAYS TRIGGER doors_are_kept',
])('is left out in a cluster: %s', (statement) => {
  expect(isAboutTrigger(statement)).toBe(true);
});

test.each([
  'ALTER TABLE doors ADD COLUMN trigger text',
  'ALTER TABLE doors ADD CONSTRAINT is_open CHECK (true)',
  'CREATE OR REPLACE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$',
  'CREATE TABLE trigger (id uuid)',
])('runs in a cluster, too: %s', (statement) => {
  expect(isAboutTrigger(statement)).toBe(false);
});
