/**
 * Columns under their names in SQL and in TypeScript: select lists, and records from rows. It does not know which table
 * has them. The names of a row's other columns begin with #, which no record's column does.
 */
import type { MachineRecord } from '../machine';
import type { MachineTables } from './tables';

/** A column: its quoted name in SQL, its property in TypeScript, and its SQL type. */
export interface Column {
  readonly name: string;
  readonly property: string;
  readonly type: string;
}

/** A select list: the columns of `alias`, under the names of their properties. */
export function selected(columns: readonly Column[], alias: string, prefix = ''): string {
  return columns
    .map(({ name, property }) => `${alias}.${name} AS "${prefix}${property}"`)
    .join(', ');
}

/**
 * Picks the record's columns from a row that may have more.
 *
 * @param prefix of the names of the record's columns in this row
 */
export function recordOf({ columns }: MachineTables, row: object, prefix = ''): MachineRecord {
  // The statement selected these columns.
  const values = row as Readonly<Record<string, unknown>>;
  const record: Record<string, unknown> = {};
  for (const { property } of columns) record[property] = values[prefix + property];
  // `tablesOf` read these columns off the record's entity.
  return record as unknown as MachineRecord;
}

/** A row that says which question of the group it answers. */
export interface Numbered {
  /** `WITH ORDINALITY` counts from 1 on. */
  readonly '#number': string;
}

/** The rows by the numbers of their questions, where each question has one row at most. */
export function rowsByNumber<Row extends Numbered>(rows: readonly Row[]): ReadonlyMap<number, Row> {
  return new Map(rows.map((row) => [Number(row['#number']), row]));
}
