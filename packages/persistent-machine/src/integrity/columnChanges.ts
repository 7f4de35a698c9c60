/** The statements that change the columns of one table. */
import type { DescribedColumn } from './described';
import { identifier } from './names';
import type { Pair } from './pairs';

/** A column as `CREATE TABLE` has it. */
export function columnOf(name: string, { type, value, isNotNull }: DescribedColumn): string {
  return [identifier(name), type, value, isNotNull ? 'NOT NULL' : '']
    .filter((word) => word !== '')
    .join(' ');
}

/** @param changed the columns that differ */
export function changedColumns(table: string, changed: readonly Pair<DescribedColumn>[]): string[] {
  const alter = `ALTER TABLE ${identifier(table)}`;
  const dropped = changed.filter(({ was, is }) => was && (!is || isRemade(was, is)));
  const added = changed.filter(({ was, is }) => is && (!was || isRemade(was, is)));
  // Generated columns depend on others: they are dropped before those, and added after them.
  return [
    ...dropped
      .sort((one, other) => isComputed(other.was) - isComputed(one.was))
      .map(({ name }) => `${alter} DROP COLUMN ${identifier(name)}`),
    ...changed.flatMap(({ name, was, is }) =>
      was && is && !isRemade(was, is)
        ? alterations(identifier(name), was, is).map((each) => `${alter} ALTER COLUMN ${each}`)
        : [],
    ),
    ...added
      .sort((one, other) => isComputed(one.is) - isComputed(other.is))
      .flatMap(({ name, is }) => (is ? `${alter} ADD COLUMN ${columnOf(name, is)}` : [])),
  ];
}

function isComputed(column: DescribedColumn | undefined): number {
  return Number(column?.value.startsWith('GENERATED') === true);
}

/** A generated column is dropped and added again: PostgreSQL cannot change its expression, and no data are lost. */
function isRemade(was: DescribedColumn, is: DescribedColumn): boolean {
  return isComputed(was) + isComputed(is) > 0 && JSON.stringify(was) !== JSON.stringify(is);
}

function alterations(name: string, was: DescribedColumn, is: DescribedColumn): string[] {
  const isRetyped = was.type !== is.type;
  return [
    // The old default may not fit the new type.
    was.value !== '' && (isRetyped || is.value === '') ? `${name} DROP DEFAULT` : [],
    isRetyped ? `${name} TYPE ${is.type} USING ${name}::${is.type}` : [],
    is.value !== '' && (isRetyped || was.value !== is.value) ? `${name} SET ${is.value}` : [],
    was.isNotNull === is.isNotNull ? [] : `${name} ${is.isNotNull ? 'SET' : 'DROP'} NOT NULL`,
  ].flat();
}
