/** What the API says about itself: the machine, the census, and, if that is allowed, the schema. */
import {
  buildClientSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { life, lives } from '../../src/machine';
import { createSchema } from 'persistent-machine/graphql/schema';
import { served } from '../../src/application';
import { type TestServer, startServer } from '../harness';
import { ask, dataOf } from './client';
import { constant, livingIn } from './lives';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

test('the query machine has the declared list, as states with their transitions and as a diagram', async () => {
  const { machine } = await dataOf(
    server,
    '{ machine { states { phase initial final transitions { event to } } mermaid } }',
  );
  expect(machine).toEqual({
    states: lives.states.map((state) => {
      const transitions = lives.edges.filter(({ from }) => from === state);
      return {
        phase: constant(state),
        initial: state === life.declaration.initial.to,
        final: transitions.length === 0,
        transitions: transitions.map(({ event, to }) => ({
          event: constant(event),
          to: constant(to),
        })),
      };
    }),
    mermaid: lives.mermaid(),
  });
});

test('a tool learns from the query machine the facts of a life and the mutation of each event', async () => {
  const { machine } = await dataOf(
    server,
    '{ machine { name events { event mutation data { name } } fields { name type description } } }',
  );
  expect(machine).toEqual({
    name: 'Life',
    events: [
      { event: 'CONCEPTION', mutation: 'conceive', data: [] },
      { event: 'BIRTH', mutation: 'birth', data: [] },
      { event: 'DEATH', mutation: 'die', data: [] },
    ],
    fields: [
      { name: 'bornAt', type: 'DateTime', description: 'When it was born.' },
      { name: 'diedAt', type: 'DateTime', description: 'When it died.' },
    ],
  });
});

describe('the census', () => {
  test('of an empty database counts none, and a feed from its cursor has everything that follows', async () => {
    const { census } = await dataOf(server, '{ census { gestating alive dead total cursor } }');
    expect(census).toEqual({
      gestating: 0,
      alive: 0,
      dead: 0,
      total: 0,
      cursor: expect.any(String),
    });
    const after = 'query ($after: String) { transitions(after: $after) { nodes { lifeId } } }';
    const { cursor } = census;
    expect(await dataOf(server, after, { after: cursor })).toEqual({ transitions: { nodes: [] } });
    const id = await livingIn(server, 'Gestating');
    expect(await dataOf(server, after, { after: cursor })).toEqual({
      transitions: { nodes: [{ lifeId: id }] },
    });
  });

  test('counts the lives of each phase, and its cursor is that of the last transition', async () => {
    for (const state of ['Alive', 'Alive', 'Dead', 'Gestating', 'Alive'] as const) {
      await livingIn(server, state);
    }
    const { census, transitions, ...totals } = await dataOf(
      server,
      `{
        census { gestating alive dead total cursor }
        transitions(last: 1) { nodes { cursor } }
        GESTATING: lives(phase: GESTATING) { totalCount }
        ALIVE: lives(phase: ALIVE) { totalCount }
        DEAD: lives(phase: DEAD) { totalCount }
        all: lives { totalCount }
      }`,
    );
    const [last] = transitions.nodes;
    expect(census).toEqual({ gestating: 2, alive: 3, dead: 1, total: 6, cursor: last.cursor });
    expect(totals).toEqual({
      GESTATING: { totalCount: 2 },
      ALIVE: { totalCount: 3 },
      DEAD: { totalCount: 1 },
      all: { totalCount: 6 },
    });
  });

  test('always equals the sum of the feed up to its cursor, during concurrent changes as well', async () => {
    const busy = Promise.all(
      Array.from({ length: 40 }, async (_, index) =>
        livingIn(server, index % 2 === 0 ? 'Dead' : 'Alive'),
      ),
    );
    const work = { isDone: false };
    const noticed = busy.finally(() => {
      work.isDone = true;
    });
    let looked = 0;
    for (let last = false; !last; looked += 1) {
      // Once more after the changes.
      last = work.isDone;
      const { census } = await dataOf(server, '{ census { gestating alive dead total cursor } }');
      const counts = { GESTATING: 0, ALIVE: 0, DEAD: 0 };
      const all = await feedAfter(null);
      // Read later, and so it has all of the others.
      const later = new Set((await feedAfter(census.cursor)).map(nameOf));
      for (const { from, to } of all.filter((each) => !later.has(nameOf(each)))) {
        counts[to] += 1;
        if (from !== null) counts[from] -= 1;
      }
      expect(census).toMatchObject({
        gestating: counts.GESTATING,
        alive: counts.ALIVE,
        dead: counts.DEAD,
        total: counts.GESTATING + counts.ALIVE + counts.DEAD,
      });
    }
    await noticed;
    expect(looked).toBeGreaterThan(1);
  });

  type Constant = 'GESTATING' | 'ALIVE' | 'DEAD';

  interface Told {
    readonly from: Constant | null;
    readonly to: Constant;
    readonly lifeId: string;
    readonly version: number;
  }

  const nameOf = ({ lifeId, version }: Told): string => `${lifeId} ${version}`;

  /** All transitions after a cursor. */
  async function feedAfter(cursor: string | null): Promise<Told[]> {
    const found: Told[] = [];
    let after = cursor;
    for (let more = true; more;) {
      const variables: Record<string, unknown> = { after };
      const { transitions } = await dataOf(
        server,
        `query ($after: String) {
          transitions(first: 100, after: $after) {
            nodes { from to lifeId version } pageInfo { hasNextPage endCursor }
          }
        }`,
        variables,
      );
      found.push(...transitions.nodes);
      more = transitions.pageInfo.hasNextPage;
      after = transitions.pageInfo.endCursor;
    }
    return found;
  }
});

describe('introspection', () => {
  /** A server with introspection off. */
  let reticent: TestServer;

  beforeAll(async () => {
    reticent = await startServer({ INTROSPECTION: 'off' });
  });

  afterAll(async () => {
    await reticent.stop();
  });

  test('shows the schema, and a misspelt name gets a suggestion', async () => {
    const question = getIntrospectionQuery({ specifiedByUrl: true });
    const schema = buildClientSchema(await dataOf(server, question));
    expect(printSchema(lexicographicSortSchema(schema))).toBe(
      printSchema(lexicographicSortSchema(createSchema(served.machines))),
    );
    const { errors } = await ask(server, '{ lifes { totalCount } }');
    expect(errors?.[0]?.message).toContain('Did you mean');
  });

  const byPhase = 'query ($phase: [Phase!]) { lives(phase: $phase) { totalCount } }';
  const byOrder = 'query ($order: LifeOrder) { lives(order: $order) { totalCount } }';

  test.each([
    { document: '{ __schema { types { name } } }' },
    { document: '{ __type(name: "Life") { name } }' },
    { document: '{ machine { __typename } __schema { queryType { name } } }' },
    { document: '{ lifes { totalCount } }' },
    { document: '{ lives(phas: ALIVE) { totalCount } }' },
    { document: '{ lives(phase: ALIV) { totalCount } }' },
    { document: '{ lives { totalCoun } }' },
    { document: '{ lives { nodes { ... on Aliv { id } } } }' },
    { document: 'query ($phase: Phas) { lives(phase: $phase) { totalCount } }' },
    { document: byPhase, variables: { phase: 'ALIV' } },
    { document: byPhase, variables: { phase: ['ALIVE', 'DEADLY'] } },
    { document: byOrder, variables: { order: 'NEWEST' } },
  ])(
    'that is off reveals nothing of the schema, not even in a suggestion: $document $variables',
    async ({ document, variables = {} }) => {
      const { data, errors } = await ask(reticent, document, variables);
      expect(data).toBeUndefined();
      expect(errors).toHaveLength(1);
      expect(JSON.stringify(errors)).not.toMatch(/did you mean/i);
    },
  );

  test('that is off still allows __typename in an answer', async () => {
    expect(await dataOf(reticent, '{ __typename machine { __typename } }')).toEqual({
      __typename: 'Query',
      machine: { __typename: 'StateMachine' },
    });
  });
});
