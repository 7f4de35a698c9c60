/**
 * The statements that turn one description of a schema into another, in an order in which they can run. It reads no
 * catalog, and runs nothing.
 */
import { changedColumns, columnOf } from './columnChanges';
import type { Described, DescribedTable } from './described';
import { identifier, literal } from './names';
import { type Pair, isChanged, pairs } from './pairs';

/** The statements as our code writes them, which are easier to read than what PostgreSQL's catalogs return. */
export interface Sources {
  /** By name. */
  readonly functions: ReadonlyMap<string, string>;
  /** By `nameIn` of table and name, as are the checks. */
  readonly triggers: ReadonlyMap<string, string>;
  /** The conditions of CHECKs. */
  readonly checks: ReadonlyMap<string, string>;
  /** By table, the statement that fills a new table. */
  readonly rows: ReadonlyMap<string, string>;
}

export const NO_SOURCES: Sources = {
  functions: new Map(),
  triggers: new Map(),
  checks: new Map(),
  rows: new Map(),
};

/** @returns a key for a part of a table */
export function nameIn(table: string, name: string): string {
  return `${table}.${name}`;
}

/**
 * @param kept names of functions that are not dropped, because tables outside of `to` need them
 * @param sources of the parts of `to`
 */
export function changes(
  from: Described,
  to: Described,
  {
    kept = new Set(),
    sources = NO_SOURCES,
  }: { kept?: ReadonlySet<string>; sources?: Sources } = {},
): string[] {
  const tables = pairs(from.tables, to.tables);
  const both = tables.filter(({ was, is }) => was !== undefined && is !== undefined);
  const functions = pairs(from.functions, to.functions).filter(isChanged);
  const foreignKeys = both.flatMap((each) => constraintsOf(each, true));
  const dropped = tables.filter(({ is }) => is === undefined);
  const made = tables.filter(({ was }) => was === undefined);
  return [
    ...both.flatMap(droppedTriggers),
    ...foreignKeys.flatMap(droppedConstraint),
    // First, since PostgreSQL does not drop a table to which another table refers.
    ...dropped.flatMap((each) => constraintsOf(each, true)).flatMap(droppedConstraint),
    ...both.flatMap((each) => constraintsOf(each, false)).flatMap(droppedConstraint),
    ...both.flatMap(droppedIndexes),
    ...dropped.map(({ name }) => `DROP TABLE ${identifier(name)}`),
    ...both.flatMap((each) =>
      changedColumns(
        each.name,
        within(each, ({ columns }) => columns),
      ),
    ),
    ...made.map((each) => madeTable(each, sources)),
    ...both.flatMap((each) => constraintsOf(each, false)).flatMap(madeConstraint(sources)),
    ...tables.flatMap(madeIndexes),
    ...foreignKeys.flatMap(madeConstraint(sources)),
    ...made.flatMap((each) => constraintsOf(each, true)).flatMap(madeConstraint(sources)),
    ...made.flatMap(({ name }) => sources.rows.get(name) ?? []),
    ...functions.flatMap(({ name, is }) =>
      is === undefined ? [] : (sources.functions.get(name) ?? is),
    ),
    ...tables.flatMap((each) => madeTriggers(each, sources)),
    ...functions.flatMap(({ name, is }) =>
      is === undefined && !kept.has(name) ? `DROP FUNCTION ${identifier(name)}` : [],
    ),
    ...tables.flatMap(notes),
  ];
}

/** The changed parts of one kind in a table. */
function within<Thing>(
  { was, is }: Pair<DescribedTable>,
  kind: (table: DescribedTable) => ReadonlyMap<string, Thing>,
): Pair<Thing>[] {
  const none = new Map<string, Thing>();
  return pairs(was ? kind(was) : none, is ? kind(is) : none).filter(isChanged);
}

function droppedTriggers(table: Pair<DescribedTable>): string[] {
  return within(table, ({ triggers }) => triggers)
    .filter(({ was }) => was !== undefined)
    .map(({ name }) => `DROP TRIGGER ${identifier(name)} ON ${identifier(table.name)}`);
}

function madeTriggers(table: Pair<DescribedTable>, sources: Sources): string[] {
  return within(table, ({ triggers }) => triggers).flatMap(({ name, is }) => {
    if (is === undefined) return [];
    const { definition, state } = is;
    return [
      sources.triggers.get(nameIn(table.name, name)) ?? definition,
      ...(state === 'ENABLE'
        ? []
        : [`ALTER TABLE ${identifier(table.name)} ${state} TRIGGER ${identifier(name)}`]),
    ];
  });
}

function droppedIndexes(table: Pair<DescribedTable>): string[] {
  return within(table, ({ indexes }) => indexes)
    .filter(({ was }) => was !== undefined)
    .map(({ name }) => `DROP INDEX ${identifier(name)}`);
}

function madeIndexes(table: Pair<DescribedTable>): string[] {
  return within(table, ({ indexes }) => indexes).flatMap(({ is }) => is ?? []);
}

interface ConstraintPair extends Pair<string> {
  readonly table: string;
}

function constraintsOf(table: Pair<DescribedTable>, areForeignKeys: boolean): ConstraintPair[] {
  return within(table, ({ constraints }) => constraints)
    .filter(({ was, is }) => (was ?? is)?.isForeignKey === areForeignKeys)
    .map(({ name, was, is }) => ({
      table: table.name,
      name,
      was: was?.definition,
      is: is?.definition,
    }));
}

function droppedConstraint({ table, name, was }: ConstraintPair): string[] {
  return was === undefined
    ? []
    : [`ALTER TABLE ${identifier(table)} DROP CONSTRAINT ${identifier(name)}`];
}

function madeConstraint(sources: Sources) {
  return ({ table, name, is }: ConstraintPair): string[] =>
    is === undefined
      ? []
      : [
          `ALTER TABLE ${identifier(table)}\n  ADD ${indented(constraint(table, name, is, sources))}`,
        ];
}

function constraint(table: string, name: string, definition: string, { checks }: Sources): string {
  const condition = checks.get(nameIn(table, name));
  if (condition === undefined) return `CONSTRAINT ${identifier(name)} ${definition}`;
  const isShort = !condition.includes('\n') && condition.length < 60;
  return `CONSTRAINT ${identifier(name)} CHECK (${isShort ? condition : `\n  ${indented(condition)}\n`})`;
}

/** Indents all lines but the first. */
function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

function madeTable({ name, is }: Pair<DescribedTable>, sources: Sources): string {
  const lines = [
    ...[...(is?.columns ?? [])].map(([column, described]) => columnOf(column, described)),
    ...[...(is?.constraints ?? [])]
      .filter(([, { isForeignKey }]) => !isForeignKey)
      .map(([each, { definition }]) => constraint(name, each, definition, sources)),
  ].map((line) => `  ${indented(line)}`);
  return `CREATE TABLE ${identifier(name)} (\n${lines.join(',\n')}\n)`;
}

/** TypeORM keeps the expressions of generated columns in a table of its own, since PostgreSQL rewords them. */
function notes(table: Pair<DescribedTable>): string[] {
  return within(table, ({ generated }) => generated).flatMap(({ name, was, is }) => [
    ...(was === undefined
      ? []
      : [
          `DELETE FROM typeorm_metadata\nWHERE type = 'GENERATED_COLUMN' AND schema = current_schema()\n` +
            `  AND "table" = ${literal(table.name)} AND name = ${literal(name)}`,
        ]),
    ...(is === undefined
      ? []
      : [
          `INSERT INTO typeorm_metadata (type, database, schema, "table", name, value)\n` +
            `VALUES ('GENERATED_COLUMN', current_database(), current_schema(),\n` +
            `        ${[table.name, name, is].map(literal).join(', ')})`,
        ]),
  ]);
}
