/**
 * A change to commit, and its way into a statement: a group of changes becomes one array for each column. What the
 * statement does with them is its own business.
 */
import type { MachineRecord } from '../machine';
import type { Column } from './columns';
import type { Group } from './Operation';
import type { MachineTables } from './tables';

/** One change to commit: the new record, and the transition that made it. */
export interface Change {
  /** The partition of the machine. */
  readonly partition: number;
  readonly record: MachineRecord;
  readonly event: string;
  /** The state before; null for the beginning of a machine. */
  readonly from: string | null;
  /** The event's data as JSON text; null if the event carries nothing. */
  readonly data: string | null;
  readonly occurredAt: Date;
  readonly actor: string | null;
  readonly idempotencyKey: string | null;
  /** Identifies the row in the history if the answer to the statement is lost. */
  readonly token: string | null;
}

/** A column that a transition's row has beside those of the record, and the property of a change that fills it. */
interface ChangeColumn extends Column {
  readonly property: Exclude<keyof Change, 'record' | 'partition'>;
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

/** The history has a column for data only if some event carries data. */
export function changeColumns({ hasData }: MachineTables): readonly ChangeColumn[] {
  return hasData ? [...CHANGE_COLUMNS, ...DATA_COLUMNS] : CHANGE_COLUMNS;
}

/** @returns a function from a group of changes, all in one partition, to the partition and an array for each column */
export function parametersOf(tables: MachineTables): (changes: Group<Change>) => unknown[] {
  const { columns } = tables;
  const others = changeColumns(tables);
  return (changes) => [
    changes[0].partition,
    ...columns.map(({ property }) =>
      // `tablesOf` read these columns off the record's entity, so the record has them as properties.
      changes.map(({ record }) => inUtc((record as Columnwise)[property])),
    ),
    ...others.map(({ property }) => changes.map((change) => inUtc(change[property]))),
  ];
}

type Columnwise = MachineRecord & Readonly<Record<string, unknown>>;

/** node-postgres would write a Date in the process's time zone, with the offset rounded to minutes. */
function inUtc(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}

/** The group's partition, the first parameter of `parametersOf`. */
export const PARTITION = '$1::integer';

/** The ids of the group's records, the second parameter of `parametersOf`. */
export const IDS = '$2::uuid[]';

/**
 * The CTE `input`: the other parameters as a table.
 *
 * @param isInlined whether each clause that reads it unnests the parameters itself
 */
export function inputClause(tables: MachineTables, isInlined = false): string {
  const columns = [...tables.columns, ...changeColumns(tables)];
  const arrays = columns.map(({ type }, index) => `$${index + 2}::${type}[]`);
  return `input AS ${isInlined ? 'NOT ' : ''}MATERIALIZED (
  SELECT * FROM unnest(${arrays.join(', ')})
    AS input (${columns.map(({ name }) => name).join(', ')})
)`;
}

/** The row that a statement returns for each change that it applied. */
export type Applied = Pick<MachineRecord, 'id' | 'version'>;

/** @returns for each change whether it was applied, in the order of the changes */
export function applied(rows: readonly Applied[], changes: readonly Change[]): boolean[] {
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  return changes.map(({ record }) => versions.get(record.id) === record.version);
}
