/**
 * Tests pages of the feed in a database with several partitions, from all their cursors: each page is exactly what SQL
 * says. Clocks differ, so times of recording are not in the order of commits.
 */
import fc from 'fast-check';
import type { Page, PageRequest } from '../../src/operations/page';
import { type Claim, type ClaimedPlace, type Mark, beginning } from '../../src/operations/place';
import { claimOf } from '../../src/store/place';
import { anonymous } from '../store/KeptMachines';
import {
  type Filter,
  PartitionedDoors,
  type Recorded,
  type Told,
  accepts,
  placeOf,
  positionsOf,
} from './PartitionedDoors';

/** Doors are begun in these partitions, one after the other. The last partition stays empty. */
const BEGUN_IN = [0, 0, 1, 0, 2, 1, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0];
const PARTITIONS = 4;
const FILTERS: readonly Filter[] = [
  null,
  ['Opening'],
  ['Opening', 'Installation'],
  [],
  ['Locking'],
];

let clock = new Date();
let kept: PartitionedDoors;
let history: readonly (readonly Recorded[])[];
/** What the cursors say of all nodes, in both directions, and of the census. */
let claims: readonly ClaimedPlace[];
/** The marks of all transitions by partition, after that of the beginning. */
let marks: readonly (readonly Mark[])[];

beforeAll(async () => {
  kept = await PartitionedDoors.open(PARTITIONS, () => clock);
  const { store, reader } = kept.instances[0];
  const first = placeOf(await reader.census());
  const ids: string[] = [];
  for (const [index, partition] of BEGUN_IN.entries()) {
    // Several seconds there and back, with some equal times.
    clock = new Date(Date.UTC(2026, 0, 1) + 1_000 * (index + ((index * 7) % 5) - 2));
    const id = kept.idIn(partition);
    ids.push(id);
    await store.begin(id, {}, anonymous);
    if (index % 2 === 1) await store.transition(ids[index >> 1] ?? id, 'Opening', {}, anonymous);
  }
  history = await kept.history();
  const cursors = [first, placeOf(await reader.census())];
  for (const size of [100, 3]) {
    for (const from of ['start', 'end'] as const) {
      for (const filter of [null, ['Opening']]) {
        const nodes = (await turned(from, size, filter)).flatMap((page) => page.nodes);
        cursors.push(...nodes.map(placeOf));
      }
    }
  }
  claims = [...new Map(cursors.map((claim) => [JSON.stringify(claim), claim])).values()];
  const { nodes } = await read(null, { from: 'start', size: 100 });
  marks = beginning(PARTITIONS).map((mark, partition) => [
    mark,
    ...nodes.filter((node) => node.partition === partition),
  ]);
});

afterAll(async () => {
  await kept.close();
});

async function read(filter: Filter, request: PageRequest<Claim>): Promise<Page<Told>> {
  return kept.instances[1].reader.feed(filter, request);
}

/** Turns pages, with nothing but their cursors and flags. */
async function turned(
  from: 'start' | 'end',
  size: number,
  filter: Filter,
): Promise<readonly Page<Told>[]> {
  const pages: Page<Told>[] = [];
  for (let at: Claim | undefined; ;) {
    const page = await read(filter, { from, size, [from === 'start' ? 'after' : 'before']: at });
    pages.push(page);
    const last = page.nodes.at(from === 'start' ? -1 : 0);
    if (!(from === 'start' ? page.hasNextPage : page.hasPreviousPage)) return pages;
    if (last === undefined) throw new Error('An empty page says that others follow.');
    at = placeOf(last);
  }
}

interface Row {
  readonly partition: number;
  readonly position: number;
}

/** A page as SQL says it: its transitions, the positions of their places, and its flags. */
function expected(
  filter: Filter,
  { from, size, after, before }: PageRequest<ClaimedPlace>,
): Omit<Page<Row & { readonly place: readonly number[] }>, never> {
  const wanted = history.map((rows) => rows.filter((row) => accepts(filter, row)));
  const start = history.map((_, partition) => Number(after?.positions[partition] ?? 0));
  // Up to the place before which the page is, without the transition whose cursor it is.
  const isBefore = ({ partition, position }: Row): boolean => {
    const bound = Number(before?.positions[partition] ?? Infinity);
    return before?.partition === partition ? position < bound : position <= bound;
  };
  const between = wanted.map((rows, partition) =>
    rows.filter((row) => row.position > (start[partition] ?? 0) && isBefore(row)),
  );
  const all = from === 'start' ? merged(between, 1) : merged(between, -1).reverse();
  const outside = Math.max(0, all.length - size);
  const rows = from === 'start' ? all.slice(0, size) : all.slice(outside);
  const place = [...start];
  if (from === 'end') {
    for (const { partition, position } of all.slice(0, outside)) place[partition] = position;
  }
  const nodes = rows.map(({ partition, position }) => {
    place[partition] = position;
    return { partition, position, place: [...place] };
  });
  const isAfterStart = (row: Row): boolean => row.position > (start[row.partition] ?? 0);
  return from === 'start'
    ? {
        nodes,
        hasNextPage: outside > 0,
        hasPreviousPage: !wanted.flat().every(isAfterStart),
      }
    : {
        nodes,
        hasNextPage: !wanted.flat().every(isBefore),
        hasPreviousPage: outside > 0,
      };
}

/**
 * Merges partitions by the time of recording. A row counts as no earlier than the rows before it in its partition.
 *
 * @param way 1 from the start, -1 from the end
 */
function merged(partitions: readonly (readonly Recorded[])[], way: 1 | -1): Recorded[] {
  return partitions
    .flatMap((rows) => {
      let passed = -Infinity;
      return rows
        .toSorted((one, other) => way * (one.position - other.position))
        .map((row) => {
          passed = Math.max(passed, way * row.recordedAt.getTime());
          return { row, passed };
        });
    })
    .sort(
      (one, other) =>
        one.passed - other.passed ||
        way * (one.row.partition - other.row.partition) ||
        way * (one.row.position - other.row.position),
    )
    .map(({ row }) => row);
}

function shown({ nodes, ...flags }: Page<Told>): object {
  return {
    nodes: nodes.map((node) => ({
      partition: node.partition,
      position: Number(node.position),
      place: positionsOf(node),
    })),
    ...flags,
  };
}

async function expectPage(filter: Filter, request: PageRequest<ClaimedPlace>): Promise<void> {
  expect({ request, filter, ...shown(await read(filter, request)) }).toEqual({
    request,
    filter,
    ...expected(filter, request),
  });
}

test('a page after, or before, any cursor is the right one, with its flags', async () => {
  for (const filter of FILTERS) {
    for (const size of [0, 1, 4, 100]) {
      const pages = [undefined, ...claims].flatMap((at) => [
        expectPage(filter, { from: 'start', size, after: at }),
        expectPage(filter, { from: 'end', size, before: at }),
      ]);
      await Promise.all(pages);
    }
  }
});

test('a page between any two cursors is the right one, also if other instances gave the cursors', async () => {
  // An instance merges the partitions in an order of its own, so any marks may be together in a place.
  const anyPlace = fc
    .tuple(fc.tuple(...marks.map((each) => fc.constantFrom(...each))), fc.nat(PARTITIONS - 1))
    .map(([place, partition]) => claimOf(place, partition));
  const anyClaim = fc.option(fc.oneof(fc.constantFrom(...claims), anyPlace), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        from: fc.constantFrom('start' as const, 'end' as const),
        size: fc.nat(8),
        after: anyClaim,
        before: anyClaim,
      }),
      fc.constantFrom(...FILTERS),
      async (request, filter) => expectPage(filter, request),
    ),
    { numRuns: 500 },
  );
});

test('turning pages, forwards or backwards, brings each transition once, in each partition in order', async () => {
  for (const filter of FILTERS) {
    const wanted = history.map((rows) => rows.filter((row) => accepts(filter, row)));
    for (const size of [1, 2, 3, 7, 100]) {
      for (const from of ['start', 'end'] as const) {
        const pages = await turned(from, size, filter);
        for (const [index, { nodes, ...flags }] of pages.entries()) {
          const isLast = index === pages.length - 1;
          if (!isLast) expect(nodes).toHaveLength(size);
          expect([flags.hasPreviousPage, flags.hasNextPage]).toEqual(
            from === 'start' ? [index > 0, !isLast] : [!isLast, index > 0],
          );
        }
        const all = (from === 'start' ? pages : pages.toReversed()).flatMap(({ nodes }) => nodes);
        expect(
          kept.partitions.map((partition) =>
            all.filter((node) => node.partition === partition).map(({ position }) => +position),
          ),
        ).toEqual(wanted.map((rows) => rows.map(({ position }) => position)));
      }
    }
  }
});
