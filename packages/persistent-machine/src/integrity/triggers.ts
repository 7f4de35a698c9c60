/** The triggers of a machine's tables, and the row that its ledger begins with. What they call is made elsewhere. */
import { REFUSE_CHANGE, type Routine } from './functions';
import { checked, identifier, literal } from './names';
import type { Shape } from './shape';

/** A trigger, on a table. */
export interface Trigger extends Routine {
  readonly table: string;
}

/** @returns the triggers of one machine's tables */
export function triggersOf(shape: Shape): Trigger[] {
  const { machine, records, history, ledger } = shape;
  // First those that no statement of the store ever fires: what must not be done to a table at all.
  return [
    trigger(history, 'are_append_only', 'BEFORE UPDATE OR DELETE OR TRUNCATE', {
      refuse: `the history of ${machine} is append-only`,
    }),
    trigger(records, 'are_never_deleted', 'BEFORE DELETE OR TRUNCATE', {
      refuse: `a record of ${machine} is kept for good`,
    }),
    trigger(ledger, 'is_never_deleted', 'BEFORE DELETE OR TRUNCATE', {
      refuse: `the ledger of ${machine} is one row for good`,
    }),
    // What else must not change is seen when the next version is recorded, which the foreign key demands.
    trigger(records, 'change_by_transition', 'BEFORE UPDATE', {
      clauses: 'FOR EACH ROW\nWHEN (new.id <> old.id OR new.version <> old.version + 1)',
      refuse: `a record of ${machine} changes by its next transition only`,
    }),
    trigger(history, 'record_what_was_done', 'AFTER INSERT', {
      clauses: 'REFERENCING NEW TABLE AS recorded',
    }),
    // Deferred: the ledger moves before the transitions are recorded that it counts.
    trigger(ledger, 'counts_what_was_recorded', 'AFTER UPDATE', {
      kind: 'CONSTRAINT TRIGGER',
      clauses: 'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW',
    }),
  ];
}

interface TriggerOptions {
  readonly kind?: 'TRIGGER' | 'CONSTRAINT TRIGGER';
  readonly clauses?: string;
  /** Why what fires it is refused; left out: it calls the function of its own name. */
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

/** @returns a statement for the one row of a ledger that was made just now */
export function ledgerRow({ ledger, states }: Shape): string {
  const counts = JSON.stringify(Object.fromEntries(states.map((state) => [state, 0])), null, 1);
  const oneLine = counts.replaceAll(/\s+/g, ' ');
  return `INSERT INTO ${identifier(ledger)} (position, counts) VALUES (0, ${literal(oneLine)})`;
}
