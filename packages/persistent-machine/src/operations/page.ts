/**
 * Pages: which one is asked for, and what one is. Owns what the flags mean, which are the Relay connection
 * specification's, made exact; does not know what the rows are, nor how they are read.
 */

/** A place in an order: the values of its key columns, as text. */
export type Key = readonly string[];

/** The most rows of a page that a client may ask for. */
export const LARGEST_PAGE = 100;

/**
 * Which page of a connection is wanted, whatever its order.
 *
 * @typeParam At how the caller names a place
 */
export interface PageRequest<At = Key> {
  /** Counted from the connection's start (`first`), or from its end (`last`). */
  readonly from: 'start' | 'end';
  /** At most so many rows, as many as the keyset's largest page has or fewer. */
  readonly size: number;
  /** Only what comes after this place. */
  readonly after?: At | undefined;
  /** Only what comes before it. */
  readonly before?: At | undefined;
}

export interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** A row of a page's statement; where a page is empty there is one for it, whose node's columns are null. */
export interface PageRow {
  readonly '#partition': string | null;
  /** Whether the connection has rows on the other side of the cursor that the page starts from. */
  readonly '#behind': boolean;
  readonly '#total': string | null;
  readonly '#after': string | null;
  readonly '#before': string | null;
}

/** What a keyset's `witness` is of the rows at the places that a page was asked for by; null: there is no such row. */
export interface Witnesses {
  readonly after: string | null;
  readonly before: string | null;
}

/**
 * @param rows of one page
 * @param key a column that no node lacks
 */
export function pageOf<Node>(
  rows: readonly PageRow[],
  { from, size }: PageRequest<unknown>,
  key: string,
  nodeOf: (row: object) => Node,
): Page<Node> {
  const found = rows.filter((row) => row[key as keyof PageRow] !== null);
  const nodes = found.slice(0, size).map(nodeOf);
  // One row more was asked for than the page may have, to know whether there is one.
  const ahead = found.length > size;
  const behind = rows[0]?.['#behind'] ?? false;
  return from === 'start'
    ? { nodes, hasNextPage: ahead, hasPreviousPage: behind }
    : { nodes: nodes.reverse(), hasNextPage: behind, hasPreviousPage: ahead };
}

/** The same page of other nodes. */
export function mapPage<From, To>(
  { nodes, hasNextPage, hasPreviousPage }: Page<From>,
  map: (node: From) => To,
): Page<To> {
  return { nodes: nodes.map(map), hasNextPage, hasPreviousPage };
}
