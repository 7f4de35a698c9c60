/** The triggers of a machine's tables, and the first rows of its ledger. Their functions are made elsewhere. */
import { PARTITIONS } from './described';
import { REFUSE_CHANGE, type Routine } from './functions';
import { checked, identifier, literal } from './names';
import type { Shape } from './shape';

/** A trigger on a table. */
export interface Trigger extends Routine {
  readonly table: string;
}

/** The triggers of one machine's tables. */
export function triggersOf(shape: Shape): Trigger[] {
  const { machine, records, history, ledger } = shape;
  // The first four forbid changes, and no statement of the store fires them.
  return [
    trigger(history, 'are_append_only', 'BEFORE UPDATE OR DELETE OR TRUNCATE', {
      refuse: `the history of ${machine} is append-only`,
    }),
    trigger(records, 'are_never_deleted', 'BEFORE DELETE OR TRUNCATE', {
      refuse: `a record of ${machine} is kept for good`,
    }),
    trigger(ledger, 'is_never_deleted', 'BEFORE DELETE OR TRUNCATE', {
      refuse: `the ledger of ${machine} is kept for good`,
    }),
    // Other changes need a next version: the foreign key demands its transition, which another trigger compares.
    trigger(records, 'change_by_transition', 'BEFORE UPDATE', {
      clauses: 'FOR EACH ROW\nWHEN (new.id <> old.id OR new.version <> old.version + 1)',
      refuse: `a record of ${machine} changes by its next transition only`,
    }),
    trigger(history, 'record_what_was_done', 'AFTER INSERT', {
      clauses: 'REFERENCING NEW TABLE AS recorded',
    }),
    // Deferred, because the ledger moves before its transitions are inserted.
    trigger(ledger, 'counts_what_was_recorded', 'AFTER UPDATE', {
      kind: 'CONSTRAINT TRIGGER',
      clauses: 'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW',
    }),
  ];
}

interface TriggerOptions {
  readonly kind?: 'TRIGGER' | 'CONSTRAINT TRIGGER';
  readonly clauses?: string;
  /** Why the change is refused; left out if the trigger calls the function of its own name. */
  readonly refuse?: string;
}

function trigger(
  table: string,
  rule: string,
  when: string,
  { kind = 'TRIGGER', clauses, refuse }: TriggerOptions,
): Trigger {
  const name = checked(`${table}_${rule}`);
  const call = refuse === undefined ? `${name}()` : `${REFUSE_CHANGE.name}(${literal(refuse)})`;
  const lines = [`${when} ON ${identifier(table)}`, clauses ?? [], `EXECUTE FUNCTION ${call}`];
  const body = lines.flat().join('\n').replaceAll('\n', '\n  ');
  return { name, table, sql: `CREATE ${kind} ${name}\n  ${body}` };
}

/** The statement that inserts a row for each partition into a new ledger. */
export function ledgerRows({ ledger, states }: Shape): string {
  const counts = JSON.stringify(Object.fromEntries(states.map((state) => [state, 0])), null, 1);
  const oneLine = counts.replaceAll(/\s+/g, ' ');
  return `\
INSERT INTO ${identifier(ledger)} (partition, position, counts)
SELECT partition, 0, ${literal(oneLine)} FROM generate_series(0, ${PARTITIONS} - 1) AS partition`;
}
