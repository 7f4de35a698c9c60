/**
 * Keyset pagination: reads the rows after, or before, a row that the client has seen, in the order of an index. The
 * last page costs as much as the first. This file owns the statement, and does not know what the rows mean.
 */
import { type Column, selected } from './columns';
import type { Query } from './Operation';
import { type Key, LARGEST_PAGE, type PageRequest } from './page';

/** The rows of a connection, and their order. */
export interface Keyset {
  /** Begins the names of the statements; unique among keysets. */
  readonly name: string;
  readonly table: string;
  readonly columns: readonly Column[];
  /** The columns of the order, which are unique together. */
  readonly key: readonly Column[];
  readonly descending: boolean;
  /** Reads a connection for each of these machines, in one statement. */
  readonly machines?: {
    readonly owner: Column;
    /** A FROM item named `scope`, with the columns `partition` and `id`. */
    readonly from: string;
    /** Of its parameters, which are the statement's first. */
    readonly values: readonly unknown[];
  };
  /** Only rows where a text column has one of these values. An index must have this column, then the key. */
  readonly filter?: { readonly column: Column; readonly values: readonly string[] } | undefined;
  /** A number about the whole connection: an SQL expression, which may use the filter's values as `filter.list`. */
  readonly total?: string;
  /**
   * A table with a row for each partition, in the order of which the rows are distributed; `total` may use its rows as
   * `part`. Each node reads its partitions' pages, and the coordinator merges them.
   */
  readonly parts?: string;
}

/** One end of a scan: an operator, and the place with which rows are compared. */
interface Bound {
  readonly operator: string;
  readonly at: string;
}

/** For each type of key column, the lowest and the highest value. */
const EXTREMES: Readonly<Record<string, readonly [lowest: string, highest: string]>> = {
  timestamptz: ['-infinity', 'infinity'],
  uuid: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
};

function extreme(key: readonly Column[], end: 0 | 1): string {
  return key
    .map(({ name, type }) => {
      const value = EXTREMES[type]?.[end];
      if (value === undefined) throw new Error(`${name} cannot be the key of a filtered page.`);
      return `'${value}'::${type}`;
    })
    .join(', ');
}

/**
 * @returns the statement for one page; its rows are `PageRow`s with the keyset's columns
 * @throws RangeError if the page is larger than `LARGEST_PAGE`
 */
export function pageQuery(keyset: Keyset, request: PageRequest): Query {
  const { table, key, machines, filter, parts } = keyset;
  const values: unknown[] = [...(machines?.values ?? [])];
  const parameter = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;
  const fromStart = request.from === 'start';
  // The statement reads a page from the end backwards, and `pageOf` reverses it.
  const descending = keyset.descending === fromStart;
  const [direction, opposite] = descending ? [' DESC', ''] : ['', ' DESC'];

  const limit = parameter(request.size + 1, 'bigint');
  // Scans have their limit in the text: for a LIMIT by parameter, a generic plan expects a tenth of the table.
  if (request.size > LARGEST_PAGE) throw new RangeError(`A page has ${LARGEST_PAGE} rows at most.`);
  const scanned = String(LARGEST_PAGE + 1);
  const filterList = filter ? parameter(filter.values, 'text[]') : 'NULL::text[]';
  const place = (at: Key): string =>
    key.map(({ type }, index) => parameter(at[index], type)).join(', ');
  const [nearKey, farKey] = fromStart
    ? [request.after, request.before]
    : [request.before, request.after];
  const near = nearKey && place(nearKey);
  const far = farKey && place(farKey);

  /** Selects rows between two bounds, in order. */
  const scan = (above: Bound | undefined, below: Bound | undefined, way: string, most: string) => {
    // With a filter, scans its index once for each value, and merges. The value is part of the order and of both
    // bounds, not a separate condition: this leaves the planner only that index, however rare the value is.
    // Citus refuses such a scan for each value. There the nodes plan each execution anew, with its values.
    const byValue = parts === undefined ? filter : undefined;
    const ordered = byValue ? [byValue.column, ...key] : key;
    const row = `(${ordered.map(({ name }) => `row.${name}`).join(', ')})`;
    const value = byValue ? 'wanted.value, ' : '';
    const lowest = byValue && { operator: '>=', at: extreme(key, 0) };
    const highest = byValue && { operator: '<=', at: extreme(key, 1) };
    const conditions = [
      ...(machines
        ? [`row.partition = scope.partition AND row.${machines.owner.name} = scope.id`]
        : []),
      ...(parts === undefined ? [] : ['row.partition = scope.partition']),
      ...(filter && !byValue ? [`row.${filter.column.name} = ANY (${filterList})`] : []),
      ...[above ?? lowest, below ?? highest].flatMap((bound) =>
        bound ? [`${row} ${bound.operator} (${value}${bound.at})`] : [],
      ),
    ];
    const orderBy = (columns: readonly Column[]): string =>
      `ORDER BY ${columns.map(({ name }) => `row.${name}${way}`).join(', ')}`;
    const rows = `SELECT row.* FROM ${table} AS row WHERE ${conditions.join(' AND ') || 'true'} ${orderBy(ordered)} LIMIT ${most}`;
    return byValue
      ? `SELECT row.* FROM unnest(filter.list) AS wanted (value) CROSS JOIN LATERAL (${rows}) AS row ${orderBy(key)} LIMIT ${most}`
      : rows;
  };
  const above = (at: string | undefined, operator = '>'): Bound | undefined =>
    at === undefined ? undefined : { operator, at };
  const below = (at: string | undefined, operator = '<'): Bound | undefined =>
    at === undefined ? undefined : { operator, at };

  const page = descending
    ? scan(above(far), below(near), direction, scanned)
    : scan(above(near), below(far), direction, scanned);
  // Not EXISTS: PostgreSQL would drop the order, and then might read the table from its beginning.
  const behind = descending
    ? scan(above(near, '>='), undefined, opposite, '1')
    : scan(undefined, below(near, '<='), opposite, '1');

  const form = [keyset.name, request.from, near && 'near', far && 'far'];
  const name = form.filter(Boolean).join('/');
  const order = (alias: string, nulls = ''): string =>
    key.map(({ property }) => `${alias}."${property}"${direction}${nulls}`).join(', ');
  const node = `SELECT ${selected(keyset.columns, 'row')} FROM (${page}) AS row LIMIT ${limit}`;
  if (parts !== undefined) {
    const text = `
-- Each node reads the rows and the numbers of its partitions in one snapshot.
WITH part AS MATERIALIZED (
  SELECT scope.*, facts.*, node.*
  FROM ${parts} AS scope
  LEFT JOIN LATERAL (${near ? `SELECT true AS "#behind" FROM (${behind}) AS row` : 'SELECT false AS "#behind"'}) AS facts ON true
  LEFT JOIN LATERAL (${node}) AS node ON true
)
SELECT NULL AS "#machine", (SELECT bool_or("#behind") FROM part) AS "#behind", filter.total AS "#total",
       ${keyset.columns.map(({ property }) => `part."${property}"`).join(', ')}
FROM part
CROSS JOIN (SELECT ${keyset.total ?? 'NULL'} FROM (SELECT ${filterList}) AS filter (list)) AS filter (total)
ORDER BY ${order('part', ' NULLS LAST')}
LIMIT ${limit}`;
    return { statement: { name, text }, values };
  }
  const text = `
SELECT scope.id AS "#machine", facts.*, node.*
FROM ${machines?.from ?? '(SELECT NULL, NULL) AS scope (partition, id)'}
CROSS JOIN (SELECT ${filterList}) AS filter (list)
CROSS JOIN LATERAL (
  SELECT ${near ? `(SELECT true FROM (${behind}) AS row) IS NOT NULL` : 'false'} AS "#behind",
         ${keyset.total ?? 'NULL'} AS "#total"
) AS facts
LEFT JOIN LATERAL (${node}) AS node ON true
ORDER BY scope.id, ${order('node')}`;
  return { statement: { name, text }, values };
}
