/**
 * A change to commit, and how a group of changes reaches a statement: an array for each column. Does not know what the
 * statement does with them.
 */
import type { MachineRecord } from '../machine';
import type { Column } from './columns';
import type { MachineTables } from './tables';

/** One change to commit: the record as it becomes, and how it came to that. */
export interface Change {
  readonly record: MachineRecord;
  readonly event: string;
  /** The state before; null for the transition that begins a machine. */
  readonly from: string | null;
  /** What the caller said with the event, as text of JSON; null: it carries nothing. */
  readonly data: string | null;
  readonly occurredAt: Date;
  readonly actor: string | null;
  readonly idempotencyKey: string | null;
  /** By which its row in the history is known again, should the answer to this statement be lost. */
  readonly token: string | null;
}

/** What a transition's row holds beside the record; the values are a change's, by these properties. */
interface ChangeColumn extends Column {
  readonly property: Exclude<keyof Change, 'record'>;
}

const CHANGE_COLUMNS: readonly ChangeColumn[] = [
  { name: 'event', property: 'event', type: 'text' },
  { name: 'from_state_type', property: 'from', type: 'text' },
  { name: 'occurred_at', property: 'occurredAt', type: 'timestamptz' },
  { name: 'actor', property: 'actor', type: 'text' },
  { name: 'idempotency_key', property: 'idempotencyKey', type: 'text' },
  { name: 'token', property: 'token', type: 'uuid' },
];

const DATA_COLUMNS: readonly ChangeColumn[] = [{ name: 'data', property: 'data', type: 'jsonb' }];

/** A machine whose events carry nothing has no column for it. */
export function changeColumns({ hasData }: MachineTables): readonly ChangeColumn[] {
  return hasData ? [...CHANGE_COLUMNS, ...DATA_COLUMNS] : CHANGE_COLUMNS;
}

/** @returns what makes of a group of changes the parameters: an array for each column */
export function parametersOf(tables: MachineTables): (changes: readonly Change[]) => unknown[] {
  const { columns } = tables;
  const others = changeColumns(tables);
  return (changes) => [
    ...columns.map(({ property }) =>
      // The tables' columns are the record's properties: tablesOf read them off its entity.
      changes.map(({ record }) => inUtc((record as Columnwise)[property])),
    ),
    ...others.map(({ property }) => changes.map((change) => inUtc(change[property]))),
  ];
}

type Columnwise = MachineRecord & Readonly<Record<string, unknown>>;

/** node-postgres would write a Date in this process' time zone, whose offset it rounds to minutes. */
function inUtc(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}

/** The parameters, as a table named `input`. */
export function inputClause(tables: MachineTables): string {
  const columns = [...tables.columns, ...changeColumns(tables)];
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
