/**
 * Columns in SQL's words and in ours: select lists, and records out of rows. Does not know whose columns they are. What a
 * row has beside the columns of a record has a name that begins with #, which no column of a record has.
 */
import type { MachineRecord } from '../machine';
import type { MachineTables } from './tables';

/** A column as SQL names it, as our code names it, and its SQL type. */
export interface Column {
  readonly name: string;
  readonly property: string;
  readonly type: string;
}

/** A select list: the columns of `alias`, under the names that our code has for them. */
export function selected(columns: readonly Column[], alias: string, prefix = ''): string {
  return columns
    .map(({ name, property }) => `${alias}.${name} AS "${prefix}${property}"`)
    .join(', ');
}

/**
 * The record alone, of a row that has more.
 *
 * @param prefix what the names of its columns begin with in this row
 */
export function recordOf({ columns }: MachineTables, row: object, prefix = ''): MachineRecord {
  // What a row has is its columns' business.
  const values = row as Readonly<Record<string, unknown>>;
  const record: Record<string, unknown> = {};
  for (const { property } of columns) record[property] = values[prefix + property];
  // The columns are the record's properties: they were read off its entity.
  return record as unknown as MachineRecord;
}

/** A row that says which of a group's questions it is for. */
export interface Numbered {
  /** `WITH ORDINALITY` counts from 1 on. */
  readonly '#number': string;
}

/** Rows by the numbers of the questions that they are for, one for each. */
export function rowsByNumber<Row extends Numbered>(rows: readonly Row[]): ReadonlyMap<number, Row> {
  return new Map(rows.map((row) => [Number(row['#number']), row]));
}
