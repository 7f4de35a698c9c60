/**
 * Pages of the feed: all transitions of one kind of machine, in the order of their commits. The same statement reads
 * the witnesses of the places that bound a page. The feed decides whether these prove the places.
 */
import { type Keyset, pageQuery } from './keyset';
import { type LaneOf, type Operation, oneByOne } from './Operation';
import {
  LARGEST_PAGE,
  type Page,
  type PageRequest,
  type PageRow,
  type Witnesses,
  pageOf,
} from './page';
import { type Place, witnessExpression } from './place';
import type { MachineTables } from './tables';
import { EVENT, POSITION, type TransitionRow, transitionColumns, transitionOf } from './transition';

/** The page size of the live tail, and of subscribers that are behind it. */
export const TAIL_PAGE = 500;

export interface FeedQuestion {
  /** Only transitions by one of these events; null for all. */
  readonly events: readonly string[] | null;
  readonly request: PageRequest<Place>;
}

export type FeedAnswer = Page<TransitionRow> & {
  readonly witnesses: Witnesses;
};

type FeedOperation = Operation<FeedQuestion, FeedAnswer, PageRow>;

/** Pages for clients: `LARGEST_PAGE` transitions at most. */
export function feedPage(tables: MachineTables): FeedOperation {
  return pagesOf(tables, 'feed', LARGEST_PAGE, oneByOne({ name: 'feed', inFlight: 2, keyOf }));
}

/** Pages for subscribers and the live tail: `TAIL_PAGE` transitions at most. */
export function tailPage(tables: MachineTables): FeedOperation {
  const lane = oneByOne({ name: 'catch up', inFlight: 2, keyOf, isAside: true });
  return pagesOf(tables, 'tail', TAIL_PAGE, lane);
}

/** The answer depends on positions alone. Each caller compares the fingerprints itself. */
function keyOf({ events, request: { from, size, after, before } }: FeedQuestion): string {
  return JSON.stringify([events, from, size, after?.position, before?.position]);
}

/** @param name begins the names of the statements */
function pagesOf(
  tables: MachineTables,
  name: string,
  largestPage: number,
  lane: LaneOf<FeedQuestion>,
): FeedOperation {
  const { names, history } = tables;
  const columns = transitionColumns(tables);
  const witness = witnessExpression(tables, 'row');
  const keysetOf = (events: readonly string[] | null): Keyset => ({
    name: `${names.history}/${name}${events ? '/by' : ''}`,
    table: history,
    largestPage,
    columns,
    key: [POSITION],
    descending: false,
    filter: events ? { column: EVENT, values: [...new Set(events)] } : undefined,
    witness,
  });
  return {
    lane,
    query: ([{ events, request }]) => {
      const { after, before, from, size } = request;
      return pageQuery(keysetOf(events), {
        from,
        size,
        after: after && [after.position],
        before: before && [before.position],
      });
    },
    answers: (rows, [{ request }]) => {
      const { '#after': after = null, '#before': before = null } = rows[0] ?? {};
      const page = pageOf(rows, request, POSITION.property, (row) => transitionOf(tables, row));
      return [{ ...page, witnesses: { after, before } }];
    },
  };
}
