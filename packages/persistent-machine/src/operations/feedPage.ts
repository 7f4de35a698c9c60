/**
 * Pages of the feed: all transitions of one kind of machine. Within a partition they come in the order of their commits;
 * the page merges partitions by the time of recording. The same statement reads the witnesses of the places that bound
 * the page. The feed decides whether these prove the places.
 */
import { BEYOND, feedStatement } from './feedStatement';
import { type LaneOf, type Operation, type Query, oneByOne } from './Operation';
import { LARGEST_PAGE, type Page, type PageRequest } from './page';
import { type ClaimedPlace, type Place, type Witness, advanced, beginning, markAt } from './place';
import type { MachineTables } from './tables';
import { type TransitionRow, transitionOf } from './transition';

/** The page size of the live tail, and of subscribers that are behind it. */
export const TAIL_PAGE = 500;

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
  /** The most transitions of each partition, for any page. */
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
        const text = feedStatement(tables, room.scanned, from === 'start', isFiltered);
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
