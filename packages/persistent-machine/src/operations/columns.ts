/** Columns in SQL's words and in ours: select lists, and records out of rows. Does not know whose columns they are. */
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
// R is the caller's word for the record of these tables.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function recordOf<R>({ columns }: MachineTables, row: object, prefix = ''): R {
  // What a row has is its columns' business.
  const values = row as Readonly<Record<string, unknown>>;
  const record: Record<string, unknown> = {};
  for (const { property } of columns) record[property] = values[prefix + property];
  // The columns are the record's properties: they were read off its entity.
  return record as R;
}

/** Rows by the number of the question that each is for; `WITH ORDINALITY` counts from 1 on. */
export function rowsByNumber<Row extends { readonly number: string }>(
  rows: readonly Row[],
): ReadonlyMap<number, Row> {
  return new Map(rows.map((row) => [Number(row.number), row]));
}
