/**
 * The size of refusals. However large a request is, and however often an error would repeat its text, the answer stays
 * small.
 */
import { once } from 'node:events';
import WebSocket from 'ws';
import { type TestServer, startServer } from '../harness';
import { TRANSPORTS, subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { Bystanders } from './Bystanders';
import { JSON_BODY, type Reply, ask, dataOf, send } from './client';
import { livingIn } from './lives';

/** The most bytes in an answer that refuses a whole request. */
const FEW_KILOBYTES = 10_000;

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

const LONG = 'n'.repeat(90_000);
/** As many repetitions as fit into a document of a thousand tokens. */
const MANY = 90;
const LONGISH = 'n'.repeat(900);

const variables = (number: number, type: string): string =>
  repeat(number, (index) => `$v${index}: ${type}!`);
const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';

interface Asked {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
}

const refused: readonly (readonly [string, Asked])[] = [
  [
    'an operation with a long name, and many unknown fields',
    { query: `query ${LONG} { ${repeat(MANY, (i) => `x${i}`)} }` },
  ],
  [
    'an operation with a long name, and many unused variables',
    { query: `query ${LONG} (${variables(MANY, 'ID')}) { __typename }` },
  ],
  ['many fields with long names', { query: `{ ${repeat(MANY, (i) => `${LONGISH}${i}`)} }` }],
  [
    'many unknown directives with long names',
    { query: `{ ${repeat(9, (i) => `a${i}: __typename @${LONGISH}`)} }` },
  ],
  [
    'ten directives on a field',
    { query: `{ __typename ${repeat(10, () => '@include(if: true)')} }` },
  ],
  [
    'the same directive nine times, in many operations',
    {
      query: repeat(
        15,
        (i) => `query q${i} { __typename ${repeat(9, () => '@include(if: true)')} }`,
      ),
    },
  ],
  [
    'aliases by the hundred in many operations',
    {
      query: `${repeat(20, (i) => `query q${i} { ...A }`)} fragment A on Query { ${repeat(100, (i) => `a${i}: __typename`)} b: __typename }`,
    },
  ],
  ['a fragment with a long name', { query: `{ ...${LONG} }` }],
  [
    'fields that conflict with one another',
    {
      query: `{ ${repeat(45, (i) => `a: life(id: "${i}") { id: version }`)} ${repeat(45, () => 'a: __typename')} }`,
    },
  ],
  ['a long name that is not terminated', { query: `{ ${LONG}` }],
  ['a long text that is not terminated', { query: `{ life(id: "${LONG}` }],
  ['a long number', { query: `{ lives(first: ${'9'.repeat(90_000)}) { totalCount } }` }],
  ['a long word as a phase', { query: `{ lives(phase: [${LONG}]) { totalCount } }` }],
  [
    'many ids of a wrong type',
    {
      query: NODES,
      variables: { ids: Array.from({ length: MANY }, () => ({ text: 'x'.repeat(500) })) },
    },
  ],
  [
    'a long text as a number',
    {
      query: 'query ($first: Int) { lives(first: $first) { totalCount } }',
      variables: { first: LONG },
    },
  ],
  [
    'a long word as each of many phases',
    {
      query: 'query ($phase: [Phase!]) { lives(phase: $phase) { totalCount } }',
      variables: { phase: Array.from({ length: MANY }, () => LONGISH) },
    },
  ],
  [
    'a long time',
    {
      query: 'mutation ($at: DateTime) { birth(id: "x", occurredAt: $at) { __typename } }',
      variables: { at: LONG },
    },
  ],
  [
    'a long name of the selected operation',
    { query: 'query a { __typename } query b { __typename }', operationName: LONG },
  ],
];

const post = async (asked: Asked, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
  send(server, { headers: { ...JSON_BODY, ...headers }, body: JSON.stringify(asked) });

test.each(refused)('%s gets a refusal of a few kilobytes', async (_name, asked) => {
  const { body, text } = await post(asked);
  expect(body.data).toBeUndefined();
  expect(Buffer.byteLength(text)).toBeLessThan(FEW_KILOBYTES);
  // graphql-js adds one error, which says that there are more.
  expect(body.errors.length).toBeLessThanOrEqual(11);
});

test.each(refused)(
  '%s gets a refusal of a few kilobytes as a stream, too',
  async (_name, asked) => {
    const subscription = asked.query
      .replaceAll(/\bquery\b|\bmutation\b|^(?=\{)/g, 'subscription ')
      .replaceAll('on Query', 'on Subscription');
    const { text } = await post({ ...asked, query: subscription }, { accept: 'text/event-stream' });
    expect(text).toContain('errors');
    expect(Buffer.byteLength(text)).toBeLessThan(FEW_KILOBYTES);
  },
);

test('a document beyond a limit gets that one error', async () => {
  for (const query of [
    `{ __typename ${repeat(10, () => '@include(if: true)')} }`,
    `{ ${repeat(101, (index) => `unknown${index}`)} }`,
    `query ${'n'.repeat(201)} { unknown }`,
  ]) {
    expect((await ask(server, query)).errors).toHaveLength(1);
  }
});

test('an alias that an answer would repeat may be as long as a name, and no longer', async () => {
  const id = await livingIn(server, 'Alive');
  const asked = async (alias: string): Promise<Reply> =>
    post({ query: `{ lives(first: 100) { nodes { ${alias}: id } } }` });
  const name = 'n'.repeat(200);
  const { body } = await asked(name);
  expect(body.data.lives.nodes).toContainEqual({ [name]: id });
  expect((await asked(`${name}n`)).body).toMatchObject({
    errors: [{ message: 'A name has more than 200 characters.' }],
  });
});

test('a truncated message still says what was expected', async () => {
  const query = 'query ($phase: [Phase!]) { lives(phase: $phase) { totalCount } }';
  const { errors } = await ask(server, query, { phase: [LONG] });
  const message = expect.stringMatching(
    /^Variable "\$phase" got invalid value .* … .* does not exist in "Phase" enum\.$/,
  );
  expect(errors).toMatchObject([{ message, extensions: { fields: [{ path: 'phase', message }] } }]);
});

test('more errors in variables than an answer lists are the client’s mistake, and the log has no error', async () => {
  const ids = Array.from({ length: 60 }, () => ({ text: 'x' }));
  const { errors } = await ask(server, NODES, { ids });
  expect(errors).toHaveLength(11);
  for (const error of errors ?? []) {
    expect(error).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
  }
  expect(server.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test('if seventy root fields fail, the answer has an error for each, and details for the first ten', async () => {
  const query = `query ($id: ID!) { ${repeat(70, (index) => `a${index}: life(id: $id) { id }`)} }`;
  const { body, text } = await post({ query, variables: { id: 'x' } });
  const errors: { path: string[]; extensions: { fields?: unknown[] } }[] = body.errors;
  expect(new Set(errors.map(({ path }) => path.join('.')))).toEqual(
    new Set(Array.from({ length: 70 }, (_item, index) => `a${index}`)),
  );
  expect(errors.filter(({ extensions }) => extensions.fields !== undefined)).toHaveLength(10);
  // This much for each error.
  expect(Buffer.byteLength(text)).toBeLessThan(70 * 500);
});

test('if every item of a list is invalid, the answer describes the first ten', async () => {
  const { body, text } = await post({
    query: NODES,
    variables: { ids: Array.from({ length: 100 }, () => 'x') },
  });
  expect(body.errors).toHaveLength(1);
  expect(body.errors[0].extensions.fields).toHaveLength(10);
  expect(Buffer.byteLength(text)).toBeLessThan(FEW_KILOBYTES);
});

test('if each of many rows fails, the answer has the first errors and the number of the others', async () => {
  const id = await livingIn(server, 'Alive');
  const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Life { id snapshot(version: 1, asOf: "2026-01-01T00:00:00Z") { version } } } }`;
  const ids = Array.from({ length: 100 }, () => id);
  const { body, text } = await post({ query, variables: { ids } });
  expect(body.data.nodes).toHaveLength(100);
  expect(body.errors).toHaveLength(11);
  expect(body.errors[10]).toMatchObject({
    message: '90 more errors are not shown.',
    extensions: { code: 'BAD_USER_INPUT' },
  });
  expect(Buffer.byteLength(JSON.stringify(body.errors))).toBeLessThan(FEW_KILOBYTES);
  expect(text).toContain(id);
});

test.each(TRANSPORTS)(
  'if each of many fields of a result fails, a subscriber over %s gets the first errors only',
  async (transport) => {
    const id = await livingIn(server, 'Gestating');
    const query = `subscription ($id: ID!) { lifeChanged(id: $id) { id ${repeat(50, (index) => `a${index}: snapshot(version: 1, asOf: "2026-01-01T00:00:00Z") { version }`)} } }`;
    const subscriber = subscribe(server, transport, query, { id });
    await subscriber.untilReceived(1);
    expect(subscriber.results[0]?.data.lifeChanged).toMatchObject({ id });
    expect(subscriber.results[0]?.errors).toHaveLength(11);
    await subscriber.stop();
  },
);

test('a path that cannot be decoded is refused, and the refusal does not repeat it', async () => {
  const reply = await send(server, { method: 'GET', path: `/%zz${'n'.repeat(10_000)}` });
  expect(reply.status).toBe(400);
  expect(reply.text.length).toBeLessThan(1_000);
});

describe('a socket', () => {
  const opened = async (): Promise<WebSocket> => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
    );
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    return socket;
  };
  const subscribeTo = (socket: WebSocket, id: string): void => {
    const payload = { query: 'subscription { transitions { event } }' };
    socket.send(JSON.stringify({ type: 'subscribe', id, payload }));
  };

  test('is closed if an operation has a long id, because each message would repeat it', async () => {
    const socket = await opened();
    subscribeTo(socket, 'n'.repeat(256));
    expect(await once(socket, 'close')).toMatchObject([4400, expect.anything()]);
    expect(server.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  test('is closed if a second operation takes the same long id, and the reason is shortened to what fits', async () => {
    const socket = await opened();
    const id = 'ü'.repeat(255);
    subscribeTo(socket, id);
    subscribeTo(socket, id);
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect(code).toBe(4409);
    expect(reason.toString()).toMatch(/^Subscriber for ü+$/);
    expect(server.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });
});

test('an answer of ordinary size is complete: a life by its id', async () => {
  const id = await livingIn(server, 'Dead');
  expect((await dataOf(server, `{ life(id: "${id}") { phase } }`)).life).toEqual({ phase: 'DEAD' });
});
