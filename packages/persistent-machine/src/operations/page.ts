/**
 * Pages, and requests for them. The flags are those of the Relay connection specification, made exact. This file knows
 * neither what the rows mean nor how they are read.
 */

/** A place in an order: the values of its key columns, as text. */
export type Key = readonly string[];

/** The most rows of a page that a client may ask for. */
export const LARGEST_PAGE = 100;

/**
 * A request for a page of a connection.
 *
 * @typeParam At the caller's way to name a place
 */
export interface PageRequest<At = Key> {
  /** Whether rows are counted from the connection's start (`first`), or from its end (`last`). */
  readonly from: 'start' | 'end';
  /** The most rows. */
  readonly size: number;
  /** Only rows after this place. */
  readonly after?: At | undefined;
  /** Only rows before this place. */
  readonly before?: At | undefined;
}

export interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** A row of a page's statement. An empty page has one row, in which the node's columns are null. */
export interface PageRow {
  readonly '#machine': string | null;
  /** Whether the connection has rows on the other side of the cursor from which the page starts. */
  readonly '#behind': boolean;
  readonly '#total': string | null;
}

/**
 * Makes a page of the rows of its statement.
 *
 * @param key a column that is null only in the row of an empty page
 */
export function pageOf<Node>(
  rows: readonly PageRow[],
  { from, size }: PageRequest<unknown>,
  key: string,
  nodeOf: (row: object) => Node,
): Page<Node> {
  const found = rows.filter((row) => row[key as keyof PageRow] !== null);
  const nodes = found.slice(0, size).map(nodeOf);
  // The statement reads one row more than the page holds, to know whether there are more.
  const ahead = found.length > size;
  const behind = rows[0]?.['#behind'] ?? false;
  return from === 'start'
    ? { nodes, hasNextPage: ahead, hasPreviousPage: behind }
    : { nodes: nodes.reverse(), hasNextPage: behind, hasPreviousPage: ahead };
}

/** The page with each node mapped. */
export function mapPage<From, To>(
  { nodes, hasNextPage, hasPreviousPage }: Page<From>,
  map: (node: From) => To,
): Page<To> {
  return { nodes: nodes.map(map), hasNextPage, hasPreviousPage };
}
