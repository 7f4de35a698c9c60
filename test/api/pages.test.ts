/**
 * Connections, compared with the algorithm of the Relay specification: every page of every connection, for any
 * arguments, is the specified slice, with exact flags.
 */
import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { lives as lifecycle } from '../../src/machine';
import { type TestStore, conceive, createStore } from './store';
import { partitionOf } from 'persistent-machine/operations/partition';
import { type TestServer, startServer } from '../harness';
import { PARTITIONS } from '../harness/topology';
import { dataOf } from './client';
import { type Way, constant, waysTo } from './lives';

/** Fixed, so that a failure can be repeated. Each run asks the server for one page of each connection. */
const RUNS = { seed: 20_261_124, numRuns: 150, interruptAfterTimeLimit: 10_000 };

/** One row of a connection: the value that a filter compares, and the cursor once it is known. */
interface Row {
  readonly id: string;
  readonly kind: string;
}

interface PageArguments {
  readonly first: number | null;
  readonly after: number | null;
  readonly last: number | null;
  readonly before: number | null;
}

interface Edge {
  readonly cursor: string;
  readonly node: unknown;
}

interface Page {
  readonly nodes: readonly string[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

let store: TestStore;
let server: TestServer;
/** By age. Some lives are conceived in the same millisecond, and ordered by their ids. */
let lives: readonly Row[];
/** By the time of recording, then by partition, and within a partition in the order of commits. */
let transitions: readonly Row[] = [];
/** The histories of some lives; one of them has all events. */
const histories = new Map<string, readonly Row[]>();
/** The cursors of each connection's rows in order, and those of the longest history. */
let cursors: { lives: string[]; transitions: string[]; history: string[] };

beforeAll(async () => {
  const conception = Date.parse('2026-01-31T12:00:00.000Z');
  let now = new Date(conception);
  store = await createStore(() => now);
  server = await startServer({ DATABASE_URL: store.url });

  const conceived: { id: string; millisecond: number; kind: string }[] = [];
  const recorded: { id: string; kind: string; millisecond: number; partition: number }[] = [];
  const ways = waysTo().flatMap((way): Way[] =>
    [...way.keys(), way.length].map((end) => way.slice(0, end)),
  );
  for (let index = 0; index < 45; index += 1) {
    // Ids in another order than the conceptions, so that a sort by id would fail the test.
    const id = index % 2 === 0 ? uuidv7() : crypto.randomUUID();
    const millisecond = Math.floor(index / 4);
    now = new Date(conception + millisecond);
    await conceive(store.lives, id);
    const partition = partitionOf(id, PARTITIONS);
    recorded.push({ id: `${id} 1`, kind: 'CONCEPTION', millisecond, partition });
    const way = ways[index % ways.length] ?? [];
    for (const [step, { event }] of way.entries()) {
      await store.lives.transition(id, event, {}, { actor: null });
      recorded.push({ id: `${id} ${step + 2}`, kind: constant(event), millisecond, partition });
    }
    conceived.push({ id, millisecond, kind: constant(way.at(-1)?.to ?? 'Gestating') });
  }
  lives = conceived.sort(
    (one, other) => one.millisecond - other.millisecond || (one.id < other.id ? -1 : 1),
  );
  transitions = recorded
    .sort((one, other) => one.millisecond - other.millisecond || one.partition - other.partition)
    .map(({ id, kind }) => ({ id, kind }));
  for (const { id } of lives.slice(0, 8)) {
    histories.set(
      id,
      transitions.filter((row) => row.id.startsWith(id)),
    );
  }
  const [longest = ''] = [...histories.keys()].sort(
    (one, other) => lengthOf(other) - lengthOf(one),
  );
  const all = await dataOf(
    server,
    `query ($id: ID!) {
      lives(first: 100) { edges { cursor node { id } } }
      life(id: $id) { history(first: 100) { edges { cursor } } }
    }`,
    { id: longest },
  );
  const found: Edge[] = all.lives.edges;
  const feed: Edge[] = [];
  for (let more = true; more;) {
    const { transitions: page } = await dataOf(
      server,
      `query ($after: String) {
        transitions(first: 100, after: $after) {
          edges { cursor node { lifeId version } }
          pageInfo { hasNextPage }
        }
      }`,
      { after: feed.at(-1)?.cursor ?? null },
    );
    feed.push(...page.edges);
    more = page.pageInfo.hasNextPage;
  }
  const past: Edge[] = all.life.history.edges;
  cursors = {
    lives: found.map(cursorOf),
    transitions: feed.map(cursorOf),
    history: past.map(cursorOf),
  };
  // The properties below require that all rows are there, in the order of the model.
  expect(found.map(({ node }) => node)).toEqual(idsOf(lives).map(asLife));
  expect(feed.map(({ node }) => node)).toEqual(idsOf(transitions).map(asTransition));
  expect(cursors.history).toHaveLength(Math.max(...waysTo().map((way) => way.length)) + 1);
});

afterAll(async () => {
  await server.stop();
  await store.close();
});

const lengthOf = (id: string): number => histories.get(id)?.length ?? 0;
const cursorOf = ({ cursor }: Edge): string => cursor;
const idsOf = (rows: readonly Row[]): string[] => rows.map(({ id }) => id);

/**
 * The page of the specification: ApplyCursorsToEdges, then EdgesToReturn. A cursor is a place in the whole connection,
 * even if the filter excludes its row. Beyond the specification, each flag is exact if the page begins at a cursor.
 */
function pageOf(
  rows: readonly Row[],
  kinds: readonly string[] | null,
  { first, after, last, before }: PageArguments,
): Page {
  const all = [...rows.entries()].filter(([, { kind }]) => kinds?.includes(kind) ?? true);
  const behindAfter = all.filter(([place]) => after !== null && place <= after);
  const beyondBefore = all.filter(([place]) => before !== null && place >= before);
  const between = all.filter(
    ([place]) => (after === null || place > after) && (before === null || place < before),
  );
  const fromEnd = last !== null || (first === null && after === null && before !== null);
  const size = first ?? last ?? 20;
  const page = fromEnd ? between.slice(Math.max(0, between.length - size)) : between.slice(0, size);
  const more = between.length > page.length;
  return {
    nodes: page.map(([, { id }]) => id),
    hasNextPage: fromEnd ? beyondBefore.length > 0 : more,
    hasPreviousPage: fromEnd ? more : behindAfter.length > 0,
  };
}

/** Arguments of a page with `first`, `last` or neither. Cursors are indexes of rows. */
function argumentsOf(length: number): fc.Arbitrary<PageArguments> {
  const size = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 100 }));
  const place = fc.option(fc.nat({ max: length - 1 }), { freq: 2 });
  return fc
    .tuple(fc.constantFrom('first', 'last', 'neither'), size, place, place)
    .map(([side, number, after, before]) => ({
      first: side === 'first' ? number : null,
      after,
      last: side === 'last' ? number : null,
      before,
    }));
}

/** The variables of a page, with indexes replaced by cursors. */
function variablesOf(
  { first, after, last, before }: PageArguments,
  own: readonly string[],
): Record<string, unknown> {
  return {
    first,
    after: after === null ? null : own[after],
    last,
    before: before === null ? null : own[before],
  };
}

/** The cursors that a page has, at the places of its rows in the whole feed. */
function cursorsFor(nodes: readonly string[], edges: readonly Edge[]): string[] {
  const own = [...cursors.transitions];
  for (const [index, { cursor }] of edges.entries()) {
    own[idsOf(transitions).indexOf(nodes[index] ?? '')] = cursor;
  }
  return own;
}

/** Asserts that a connection is this page, and is consistent. */
function expectPage(
  connection: {
    edges: Edge[];
    nodes: unknown[];
    pageInfo: Record<string, unknown>;
  },
  { nodes, hasNextPage, hasPreviousPage }: Page,
  own: readonly string[],
  rows: readonly Row[],
  nodeOf: (id: string) => unknown,
): void {
  expect(connection.nodes).toEqual(nodes.map(nodeOf));
  const expectedCursors = nodes.map((id) => own[idsOf(rows).indexOf(id)]);
  expect(connection.edges).toEqual(
    nodes.map((id, index) => ({ cursor: expectedCursors[index], node: nodeOf(id) })),
  );
  expect(connection.pageInfo).toEqual({
    hasNextPage,
    hasPreviousPage,
    startCursor: expectedCursors.at(0) ?? null,
    endCursor: expectedCursors.at(-1) ?? null,
  });
}

const DECLARED = '$first: Int, $after: String, $last: Int, $before: String';
const PASSED = 'first: $first, after: $after, last: $last, before: $before';
const PAGE_INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const LIFE = 'id';
const TRANSITION = 'lifeId version';
const asLife = (id: string): unknown => ({ id });
const asTransition = (row: string): unknown => {
  const [lifeId, version] = row.split(' ');
  return { lifeId, version: Number(version) };
};

/** Any list of these values, in any order, with or without repetitions, also empty; or null. */
const filterOf = (kinds: readonly string[]): fc.Arbitrary<readonly string[] | null> =>
  fc.option(fc.array(fc.constantFrom(...kinds), { maxLength: 4 }), { freq: 3 });

test('any page of lives, in either order and of any phases, is the slice of the specification', async () => {
  const phases = lifecycle.states.map(constant);
  const order = fc.constantFrom('OLDEST_FIRST', 'NEWEST_FIRST', null);
  await fc.assert(
    fc.asyncProperty(argumentsOf(45), filterOf(phases), order, async (page, phase, by) => {
      const newestFirst = by === 'NEWEST_FIRST';
      const rows = newestFirst ? lives.toReversed() : lives;
      const own = newestFirst ? cursors.lives.toReversed() : cursors.lives;
      const answer = await dataOf(
        server,
        `query ($phase: [Phase!], $order: LifeOrder, ${DECLARED}) {
            lives(phase: $phase, order: $order, ${PASSED}) {
              totalCount nodes { ${LIFE} } edges { cursor node { ${LIFE} } } ${PAGE_INFO}
            }
          }`,
        { phase, order: by, ...variablesOf(page, own) },
      );
      expectPage(answer.lives, pageOf(rows, phase, page), own, rows, asLife);
      expect(answer.lives.totalCount).toBe(
        lives.filter(({ kind }) => phase?.includes(kind) ?? true).length,
      );
    }),
    RUNS,
  );
});

test('any page of transitions, of any events, is the slice of the specification', async () => {
  const events = lifecycle.events.map(constant);
  await fc.assert(
    fc.asyncProperty(argumentsOf(45), filterOf(events), async (page, by) => {
      const answer = await dataOf(
        server,
        `query ($events: [LifeEvent!], ${DECLARED}) {
          transitions(events: $events, ${PASSED}) {
            nodes { ${TRANSITION} } edges { cursor node { ${TRANSITION} } } ${PAGE_INFO}
          }
        }`,
        { events: by, ...variablesOf(page, cursors.transitions) },
      );
      const expected = pageOf(transitions, by, page);
      // With several partitions, the cursors of a filtered page do not pass what the filter leaves out in the others.
      const own =
        by === null || PARTITIONS === 1
          ? cursors.transitions
          : cursorsFor(expected.nodes, answer.transitions.edges);
      expectPage(answer.transitions, expected, own, transitions, asTransition);
    }),
    RUNS,
  );
});

test('the same page of many histories is the slice of the specification for each', async () => {
  const [...ids] = histories.keys();
  await fc.assert(
    fc.asyncProperty(argumentsOf(cursors.history.length), async (page) => {
      const { nodes } = await dataOf(
        server,
        `query ($ids: [ID!]!, ${DECLARED}) {
          nodes(ids: $ids) {
            ... on Life {
              history(${PASSED}) {
                nodes { ${TRANSITION} } edges { cursor node { ${TRANSITION} } } ${PAGE_INFO}
              }
            }
          }
        }`,
        { ids, ...variablesOf(page, cursors.history) },
      );
      for (const [index, id] of ids.entries()) {
        const rows = histories.get(id) ?? [];
        const expected = pageOf(rows, null, page);
        expectPage(nodes[index].history, expected, cursors.history, rows, asTransition);
      }
    }),
    RUNS,
  );
});

test('a client that turns pages by pageInfo gets every life once, forwards and backwards', async () => {
  const turn = async (size: number, forwards: boolean): Promise<string[]> => {
    const found: string[] = [];
    let cursor: string | null = null;
    for (let more = true; more;) {
      const variables: Record<string, unknown> = forwards
        ? { first: size, after: cursor }
        : { last: size, before: cursor };
      const answer = await dataOf(
        server,
        `query (${DECLARED}) { lives(${PASSED}) { nodes { id } ${PAGE_INFO} } }`,
        variables,
      );
      const nodes: { id: string }[] = answer.lives.nodes;
      const { pageInfo } = answer.lives;
      found.splice(forwards ? found.length : 0, 0, ...nodes.map(({ id }) => id));
      cursor = forwards ? pageInfo.endCursor : pageInfo.startCursor;
      more = forwards ? pageInfo.hasNextPage : pageInfo.hasPreviousPage;
    }
    return found;
  };
  for (const size of [1, 7, 45, 100]) {
    expect(await turn(size, true)).toEqual(idsOf(lives));
    expect(await turn(size, false)).toEqual(idsOf(lives));
  }
});

test('a transition has the same cursor in every field as on its edge in the feed', async () => {
  const [[id, rows] = ['', []]] = histories;
  const { life, transitions: feed } = await dataOf(
    server,
    `query ($id: ID!) {
      life(id: $id) { history { nodes { cursor } } }
      transitions(first: 100) { nodes { cursor } }
    }`,
    { id },
  );
  expect(feed.nodes).toEqual(cursors.transitions.slice(0, 100).map((cursor) => ({ cursor })));
  const places = rows.map((row) => idsOf(transitions).indexOf(row.id));
  expect(life.history.nodes).toEqual(places.map((at) => ({ cursor: cursors.transitions[at] })));
});

test('lives that are conceived after a page was read are on later pages', async () => {
  const after = cursors.lives.at(-1);
  const document = 'query ($after: String) { lives(after: $after) { nodes { id } } }';
  expect(await dataOf(server, document, { after })).toEqual({ lives: { nodes: [] } });
  const { conceive: life } = await dataOf(server, 'mutation { conceive { id } }');
  expect(await dataOf(server, document, { after })).toEqual({ lives: { nodes: [life] } });
});
