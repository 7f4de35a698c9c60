/**
 * Pages of the feed: all transitions of one kind of machine. Within a partition they come in the order of their commits;
 * the page merges partitions by the time of recording. The same statement reads the witnesses of the places that bound
 * the page. The feed decides whether these prove the places.
 */
import { selected } from './columns';
import { type LaneOf, type Operation, type Query, oneByOne } from './Operation';
import { LARGEST_PAGE, type Page, type PageRequest } from './page';
import {
  type ClaimedPlace,
  type Place,
  type Witness,
  advanced,
  beginning,
  markAt,
  witnessExpression,
} from './place';
import type { MachineTables } from './tables';
import { type TransitionRow, transitionColumns, transitionOf } from './transition';

/** The page size of the live tail, and of subscribers that are behind it. */
export const TAIL_PAGE = 500;

/** Above every position. */
const BEYOND = '9223372036854775807';

export interface FeedQuestion {
  /** Only transitions by one of these events; null for all. */
  readonly events: readonly string[] | null;
  readonly request: PageRequest<ClaimedPlace>;
}

/** The witnesses of the transitions at the marks of a place, by partition; null where there is none. */
type Witnesses = readonly (Witness | null)[];

export type FeedAnswer = Page<TransitionRow> & {
  readonly witnesses: { readonly after: Witnesses; readonly before: Witnesses };
};

interface Row {
  readonly '#scope': number;
  readonly '#after': Witness | null;
  readonly '#before': Witness | null;
  /** Whether the partition has transitions on the other side of the place from which the page starts. */
  readonly '#behind': boolean;
  /** null if the partition has none for this page. */
  readonly '#position': string | null;
}

type FeedOperation = Operation<FeedQuestion, FeedAnswer, Row>;

/** How much a page takes. */
interface Room {
  /** The most transitions in a statement's text: for a LIMIT by parameter, a generic plan expects a tenth of the table. */
  readonly scanned: number;
  /** The most transitions of each partition. */
  readonly ofEach: (size: number) => number;
  /** The most transitions in all. */
  readonly inAll: (size: number) => number;
}

/** Pages for clients: `LARGEST_PAGE` transitions at most. */
export function feedPage(tables: MachineTables): FeedOperation {
  const room = { scanned: LARGEST_PAGE, ofEach: same, inAll: same };
  return pagesOf(tables, 'feed', room, oneByOne({ name: 'feed', inFlight: 2, keyOf }));
}

/**
 * Pages for subscribers and the live tail: about `TAIL_PAGE` transitions. Each partition has its share, so that all rows
 * that PostgreSQL reads are in the page.
 */
export function tailPage(tables: MachineTables): FeedOperation {
  const { partitions } = tables;
  const ofEach = (size: number): number => Math.ceil(size / partitions);
  const inAll = (size: number): number => ofEach(size) * partitions;
  const lane = oneByOne({ name: 'catch up', inFlight: 2, keyOf, isAside: true });
  return pagesOf(tables, 'tail', { scanned: ofEach(TAIL_PAGE), ofEach, inAll }, lane);
}

function same(size: number): number {
  return size;
}

/** The answer depends on positions alone. Each caller compares the fingerprints itself. */
function keyOf({ events, request: { from, size, after, before } }: FeedQuestion): string {
  return JSON.stringify([
    events,
    from,
    size,
    after?.positions,
    before?.positions,
    before?.partition,
  ]);
}

/** @param name begins the names of the statements */
function pagesOf(
  tables: MachineTables,
  name: string,
  room: Room,
  lane: LaneOf<FeedQuestion>,
): FeedOperation {
  const { names, partitions } = tables;
  const scopes = Array.from({ length: partitions }, (_, partition) => partition);
  const nowhere = scopes.map(() => '0');
  const statements = new Map(
    ['start', 'end'].flatMap((from) =>
      [false, true].map((isFiltered) => {
        const form = `${from}${isFiltered ? '/by' : ''}`;
        const text = textOf(tables, room, from === 'start', isFiltered);
        return [form, { name: `${names.history}/${name}/${form}`, text }] as const;
      }),
    ),
  );
  return {
    lane,
    query: ([{ events, request }]): Query => {
      const { from, size, after, before } = request;
      const statement = statements.get(`${from}${events ? '/by' : ''}`);
      const ofEach = room.ofEach(size);
      if (statement === undefined || ofEach > room.scanned) {
        throw new RangeError(`A page has ${room.inAll(room.scanned)} transitions at most.`);
      }
      return {
        statement,
        values: [
          scopes,
          after?.positions ?? nowhere,
          before ? boundsOf(before) : scopes.map(() => BEYOND),
          before?.positions ?? nowhere,
          ofEach + 1,
          ...(events ? [[...new Set(events)]] : []),
          ...(partitions > 1 ? [room.inAll(size)] : []),
        ],
      };
    },
    answers: (rows, [{ request }]) => [pageOf(tables, room, rows, request)],
  };
}

/**
 * The positions before which a page ends: it has all transitions up to a place, except the one whose cursor the place
 * was.
 */
function boundsOf({ positions, partition }: ClaimedPlace): string[] {
  return positions.map((position, each) =>
    each === partition ? position : String(BigInt(position) + 1n),
  );
}

/**
 * The statement. Its parameters are, by partition, the positions after which and before which the page is, and those of
 * the place before which it is; then the most rows of each partition, the events, and the most rows in all.
 */
function textOf(
  tables: MachineTables,
  room: Room,
  isFromStart: boolean,
  isFiltered: boolean,
): string {
  const { history, partitions } = tables;
  const key = isFiltered ? ['partition', 'event', 'position'] : ['partition', 'position'];
  const row = `(${key.map((column) => `row.${column}`).join(', ')})`;
  const at = (position: string): string =>
    `(scope.partition, ${isFiltered ? 'wanted.event, ' : ''}${position})`;
  const [way, back] = isFromStart ? ['', ' DESC'] : [' DESC', ''];

  /**
   * Selects rows of one partition, in order. Partition and event are part of the order and of both bounds, not separate
   * conditions: this leaves the planner only the index that has them, however rare an event is.
   */
  const scan = (above: string, below: string, order: string, most: string): string => {
    const rows = `SELECT row.* FROM ${history} AS row
    WHERE ${row} ${above} AND ${row} ${below}
    ORDER BY ${key.map((column) => `row.${column}${order}`).join(', ')} LIMIT ${most}`;
    return isFiltered
      ? `SELECT row.* FROM unnest($6::text[]) AS wanted (event) CROSS JOIN LATERAL (
    ${rows}
  ) AS row ORDER BY row.position${order} LIMIT ${most}`
      : rows;
  };
  const page = scan(
    `> ${at('scope.after')}`,
    `< ${at('scope.before')}`,
    way,
    `${room.scanned + 1}`,
  );
  // Not EXISTS: PostgreSQL would drop the order, and then might read the table from its beginning.
  const behind = isFromStart
    ? scan(`>= ${at('0')}`, `<= ${at('scope.after')}`, back, '1')
    : scan(`>= ${at('scope.before')}`, `<= ${at(BEYOND)}`, back, '1');
  const witness = (position: string): string =>
    `(SELECT ${witnessExpression(tables, 'row')} FROM ${history} AS row
        WHERE row.partition = scope.partition AND row.position = ${position})`;
  const rows = `
SELECT facts.*, node.*
FROM facts
LEFT JOIN LATERAL (
  SELECT ${selected(transitionColumns(tables), 'row')}
  FROM (SELECT facts."#scope" AS partition, facts.after, facts.before) AS scope
  CROSS JOIN LATERAL (${page}) AS row
  LIMIT $5::bigint
) AS node ON true`;
  return `
-- Materialized, or PostgreSQL would look the witnesses up again for each row of the page.
WITH facts AS MATERIALIZED (
  SELECT scope.partition AS "#scope", scope.after, scope.before,
         (SELECT true FROM (${behind}) AS row) IS NOT NULL AS "#behind",
         ${witness('scope.after')} AS "#after", ${witness('scope.proof')} AS "#before"
  FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[]) AS scope (partition, after, before, proof)
)${
    partitions === 1
      ? `${rows}\nORDER BY node."#position"${way}`
      : merged(rows, isFromStart, `$${isFiltered ? 7 : 6}::bigint`)
  }`;
}

/**
 * Merges the partitions by the time of recording, and keeps the order within each: clocks differ between instances, so
 * a transition counts as recorded no earlier than those before it (or, from the end, no later than those after it).
 * Returns one row more of each partition than the page has: the page's places need to know where it ends.
 */
function merged(rows: string, isFromStart: boolean, most: string): string {
  const [passed, way] = isFromStart ? ['max', ''] : ['min', ' DESC'];
  return `
SELECT * FROM (
  SELECT *, lag("#rank", 1, 0::bigint) OVER (PARTITION BY "#scope" ORDER BY "#number") AS "#before it"
  FROM (
    SELECT *, row_number() OVER (ORDER BY "#passed"${way} NULLS LAST, "#scope"${way}, "#number") AS "#rank"
    FROM (
      SELECT *, row_number() OVER own AS "#number", ${passed}("#recordedAt") OVER own AS "#passed"
      FROM (${rows}) AS row
      WINDOW own AS (PARTITION BY "#scope" ORDER BY "#position"${way})
    ) AS row
  ) AS row
) AS row
WHERE "#before it" <= ${most} ORDER BY "#rank"`;
}

function pageOf(
  tables: MachineTables,
  room: Room,
  rows: readonly Row[],
  { from, size, after }: PageRequest<ClaimedPlace>,
): FeedAnswer {
  const facts = Array.from({ length: tables.partitions }, (_, partition) =>
    rows.find((row) => row['#scope'] === partition),
  );
  const witnesses = {
    after: facts.map((row) => row?.['#after'] ?? null),
    before: facts.map((row) => row?.['#before'] ?? null),
  };
  const found = rows.filter((row) => row['#position'] !== null);
  const taken = facts.map(() => 0);
  const [ofEach, inAll] = [room.ofEach(size), room.inAll(size)];
  const isInPage = (row: Row, index: number): boolean => {
    const number = (taken[row['#scope']] ?? 0) + 1;
    taken[row['#scope']] = number;
    return number <= ofEach && index < inAll;
  };
  const listed: TransitionRow[] = [];
  const others: TransitionRow[] = [];
  found.forEach((row, index) => {
    (isInPage(row, index) ? listed : others).push(transitionOf(tables, row));
  });
  const start =
    after?.positions.map((position, partition) =>
      markAt(position, witnesses.after[partition] ?? null),
    ) ?? beginning(tables.partitions);
  const ahead = others.length > 0;
  const behind = facts.some((row) => row?.['#behind'] === true);
  return from === 'start'
    ? { nodes: placed(listed, start), hasNextPage: ahead, hasPreviousPage: behind, witnesses }
    : {
        // From the end, what was read beyond the page is the last before it, in its partition.
        nodes: placed(listed.reverse(), others.reduce(advanced, start)),
        hasNextPage: behind,
        hasPreviousPage: ahead,
        witnesses,
      };
}

/** The transitions with their places in this order. */
function placed(transitions: readonly TransitionRow[], start: Place): TransitionRow[] {
  // With one partition, a transition's own mark is its place.
  if (start.length === 1) return [...transitions];
  let place = start;
  return transitions.map((transition) => {
    place = advanced(place, transition);
    return { ...transition, place };
  });
}
