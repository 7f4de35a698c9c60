/**
 * A change to commit, and how a group of changes reaches a statement: an array for each column. Does not know what the
 * statement does with them.
 */
import type { MachineRecord } from '../machine';
import type { Column } from './columns';
import type { MachineTables } from './tables';

/** One change to commit: the record as it becomes, and how it came to that. */
export interface Change<R extends MachineRecord = MachineRecord> {
  readonly record: R;
  readonly event: string;
  /** The state before; null for the transition that begins a machine. */
  readonly from: string | null;
  readonly occurredAt: Date;
  readonly actor: string | null;
  readonly idempotencyKey: string | null;
  /** By which its row in the history is known again, should the answer to this statement be lost. */
  readonly token: string | null;
}

/** What a transition's row holds beside the record: in this order the parameters of a commit. */
export const CHANGE_COLUMNS = [
  { name: 'event', property: 'event', type: 'text' },
  { name: 'from_state_type', property: 'from', type: 'text' },
  { name: 'occurred_at', property: 'occurredAt', type: 'timestamptz' },
  { name: 'actor', property: 'actor', type: 'text' },
  { name: 'idempotency_key', property: 'idempotencyKey', type: 'text' },
  { name: 'token', property: 'token', type: 'uuid' },
] as const satisfies readonly Column[];

/** The values for a group of changes: an array for each column. */
export function parameters<R extends MachineRecord>(
  tables: MachineTables,
  changes: readonly Change<R>[],
): unknown[] {
  return [
    // The tables' columns are the record's properties: tablesOf read them off its entity.
    ...tables.columns.map(({ property }) =>
      changes.map(({ record }) => inUtc(record[property as keyof R])),
    ),
    ...CHANGE_COLUMNS.map(({ property }) => changes.map((change) => inUtc(change[property]))),
  ];
}

/** node-postgres would write a Date in this process' time zone, whose offset it rounds to minutes. */
function inUtc(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}

/** The parameters, as a table named `input`. */
export function inputClause(tables: MachineTables): string {
  const columns = [...tables.columns, ...CHANGE_COLUMNS];
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`);
  return `input AS MATERIALIZED (
  SELECT * FROM unnest(${arrays.join(', ')})
    AS input (${columns.map(({ name }) => name).join(', ')})
)`;
}

/** What a statement returns for each change that it has applied. */
export type Applied = Pick<MachineRecord, 'id' | 'version'>;

/** @returns of each change whether it was applied, in the order of the changes */
export function applied(rows: readonly Applied[], changes: readonly Change[]): boolean[] {
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  return changes.map(({ record }) => versions.get(record.id) === record.version);
}
