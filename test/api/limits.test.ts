/**
 * What a document may ask for: the attacks of graphql-cop are refused, and what real clients ask for is answered, over
 * each transport.
 */
import { getIntrospectionQuery, parse } from 'graphql';
import { type TestServer, startServer } from '../harness';
import { subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { Bystanders } from './Bystanders';
import { JSON_BODY, type Reply, ask, dataOf, send } from './client';
import { livingIn } from './lives';

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
});

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  try {
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

const repeat = (number: number, text: (index: number) => string): string =>
  Array.from({ length: number }, (_item, index) => text(index)).join(' ');

/** Selections of a life, nested this deep. */
const nested = (levels: number, page: string, inner: string): string =>
  levels === 0
    ? inner
    : `history(${page}) { nodes { version life { id ${nested(levels - 1, page, inner)} } } }`;

const EVERYTHING = `
  id phase version createdAt updatedAt nextEvents
  snapshot { phase version createdAt updatedAt bornAt diedAt nextEvents }`;

describe('the server refuses', () => {
  const attacks: [string, string, RegExp][] = [
    ['aliases by the hundred', `{ ${repeat(101, (i) => `a${i}: __typename`)} }`, /aliases|fields/],
    [
      'aliases by the hundred, in fragments',
      `{ ...A ...B } ${repeat(2, (f) => `fragment ${f ? 'A' : 'B'} on Query { ${repeat(60, (i) => `f${f}a${i}: __typename`)} }`)}`,
      /aliases/,
    ],
    ['one field by the hundred', `{ ${repeat(500, () => '__typename')} }`, /more than 100 fields/],
    [
      'dozens of directives',
      `{ __typename ${repeat(10, () => '@include(if: true)')} }`,
      /directives/,
    ],
    ['dozens of unknown directives', `{ __typename ${repeat(10, () => '@aa')} }`, /directives/],
    [
      'a recursive query of the schema',
      '{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }',
      /smaller pages/,
    ],
    [
      'a recursive query of the schema, a little less deep',
      '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
      /introspection/i,
    ],
    [
      'a document that is too deep',
      `{ life(id: "x") { ${nested(5, 'first: 1', 'version')} } }`,
      /levels deep/,
    ],
    [
      'three nested pages',
      `{ lives(first: 100) { nodes { ${nested(2, 'first: 100', 'version')} } } }`,
      /smaller pages/,
    ],
    [
      'three nested pages whose size is a variable',
      `query ($n: Int) { lives(first: $n) { nodes { ${nested(2, 'first: $n', 'version')} } } }`,
      /smaller pages/,
    ],
    [
      'three nested pages in fragments',
      `query ($n: Int) { lives(first: $n) { ...A } } fragment A on LifeConnection { edges { node { ...B } } }
       fragment B on Life { history(last: $n) { nodes { life { ...C } } } } fragment C on Life { history(first: $n) { nodes { version } } }`,
      /smaller pages/,
    ],
    [
      'three nested pages, beside one with a negative size',
      `{ lives(first: 100) { nodes { ${nested(2, 'first: 100', 'version')} } }
         less: lives(first: -2147483648) { nodes { ${nested(2, 'first: 100', 'version')} } } }`,
      /smaller pages/,
    ],
    [
      'fragments that double at each level',
      `{ ...F0 } ${repeat(60, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)}
       fragment F60 on Query { lives(first: 0) { totalCount } }`,
      /smaller pages/,
    ],
    [
      'a document of a thousand tokens',
      `{ ${repeat(1_001, () => '__typename')} }`,
      /limit|tokens/i,
    ],
    [
      'nested brackets',
      `query ($x: ${'['.repeat(2_000)}ID${']'.repeat(2_000)}) { __typename }`,
      /limit|tokens/i,
    ],
  ];

  test.each(attacks)('%s', async (_name, query, message) => {
    const { data, errors } = await ask(server, query);
    expect(data).toBeUndefined();
    expect(errors?.map((error) => error.message).join('\n')).toMatch(message);
  });

  test.each(attacks.slice(0, 5))('over WebSocket: %s', async (_name, query, message) => {
    const selection = query.replaceAll('on Query', 'on LifeTransition');
    const [body = '', ...fragments] = selection.split(/(?=fragment )/);
    const subscriber = subscribe(
      server,
      'WebSocket',
      `subscription { transitions ${body} } ${fragments.join(' ')}`,
    );
    expect(JSON.stringify(await subscriber.ended)).toMatch(message);
    await subscriber.stop();
  });

  test('a batch of requests', async () => {
    const body = JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]);
    const reply = await send(server, { headers: JSON_BODY, body });
    expect(reply.status).toBe(400);
    expect(reply.body.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  });

  const count = async (): Promise<number> =>
    (await dataOf(server, '{ census { total } }')).census.total;

  test.each<[string, () => Promise<Reply>]>([
    [
      'a mutation by GET',
      () =>
        send(server, {
          method: 'GET',
          path: `/graphql?query=${encodeURIComponent('mutation { conceive { id } }')}`,
          headers: { 'apollo-require-preflight': '1' },
        }),
    ],
    [
      'a query by GET that a page of any origin could make',
      () =>
        send(server, {
          method: 'GET',
          path: `/graphql?query=${encodeURIComponent('{ census { total } }')}`,
        }),
    ],
    [
      'a form',
      () =>
        send(server, {
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: `query=${encodeURIComponent('mutation { conceive { id } }')}`,
        }),
    ],
    [
      'plain text',
      () =>
        send(server, {
          headers: { 'content-type': 'text/plain' },
          body: JSON.stringify({ query: 'mutation { conceive { id } }' }),
        }),
    ],
    [
      'a body of more than a hundred thousand bytes',
      () =>
        send(server, {
          headers: JSON_BODY,
          body: JSON.stringify({ query: `{ __typename } #${'x'.repeat(100_000)}` }),
        }),
    ],
  ])('%s', async (_name, attack) => {
    const before = await count();
    const reply = await attack();
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.status).toBeLessThan(500);
    expect(reply.body?.data).toBeUndefined();
    expect(await count()).toBe(before);
  });
});

test('answers contain no trace of their execution, even if a client asks for one', async () => {
  const headers = {
    ...JSON_BODY,
    'x-apollo-tracing': '1',
    'apollo-federation-include-trace': 'ftv1',
  };
  const { body } = await send(server, {
    headers,
    body: JSON.stringify({ query: '{ __typename }' }),
  });
  expect(body).toEqual({ data: { __typename: 'Query' } });
});

test('with introspection off, neither the schema nor a suggestion reveals a name', async () => {
  const closed = await startServer({ INTROSPECTION: 'off' });
  try {
    for (const query of [
      '{ __schema { types { name } } }',
      '{ live { id } }',
      '{ __type(name: "Life") { name } }',
    ]) {
      const { data, errors } = await ask(closed, query);
      expect(data).toBeUndefined();
      expect(JSON.stringify(errors)).not.toMatch(/[Dd]id you mean|lives|Apollo/);
    }
  } finally {
    await closed.stop();
  }
});

describe('the server answers', () => {
  test.each([
    [
      'the introspection query of tools',
      getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
      }),
    ],
    [
      'the largest pages, two deep',
      `query ($n: Int = 100) { lives(first: $n) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { ${EVERYTHING}
        history(first: $n) { pageInfo { hasNextPage } edges { cursor node { cursor event from to version occurredAt recordedAt actor lifeId
          snapshot { phase version bornAt diedAt } life { ${EVERYTHING} } } } } } } } }`,
    ],
    [
      'three pages of the usual size',
      `{ lives { nodes { ${nested(2, '', 'version')} } } }`.replaceAll('()', ''),
    ],
    ['fifty changes at once', `mutation { ${repeat(50, (i) => `life${i}: conceive { id }`)} }`],
  ])('%s', async (_name, query) => {
    parse(query);
    await livingIn(server, 'Dead');
    const { errors, data } = await ask(server, query);
    expect(errors).toBeUndefined();
    expect(data).toBeDefined();
  });
});
