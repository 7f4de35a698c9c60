/**
 * The log of requests: one line for each finished request, with its outcome and none of its content, over every
 * transport.
 */
import { type TestServer, startServer } from '../harness';
import { TRANSPORTS, subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { Bystanders } from './Bystanders';
import { JSON_BODY, ask, dataOf, send } from './client';
import { livingIn } from './lives';

const [TRACE, DEBUG, INFO] = [10, 20, 30];

/** Every private value in the requests of these tests contains this. */
const CANARY = 'canary';

let server: TestServer;
let bystanders: Bystanders;
/** The number of lines before the test. */
let before: number;

beforeAll(async () => {
  server = await startServer({ LOG_LEVEL: 'trace' });
  bystanders = await Bystanders.of(server);
});

beforeEach(() => {
  before = server.logs.length;
});

afterEach(async () => {
  expect(JSON.stringify(server.logs)).not.toContain(CANARY);
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  await bystanders.leave();
  await server.stop();
});

/** The lines of this test that contain a text. */
const linesWith = (name: string, value: unknown): readonly Record<string, unknown>[] =>
  server.logs.slice(before).filter((line) => line[name] === value);

test('an answered request has one line, at debug, with the operation’s name from its document', async () => {
  const id = await livingIn(server, 'Gestating');
  const { headers } = await send(server, {
    headers: { ...JSON_BODY, authorization: `Bearer ${CANARY}`, 'user-agent': CANARY },
    path: `/graphql?${CANARY}=${CANARY}`,
    body: JSON.stringify({
      query: `mutation Bear($id: ID!, $key: String) {
        birth(id: $id, idempotencyKey: $key) { __typename }
      }
      query Other { life(id: "${CANARY}") { id } }`,
      operationName: 'Bear',
      variables: { id, key: CANARY },
    }),
  });
  expect(linesWith('requestId', headers['x-request-id'])).toEqual([
    {
      level: DEBUG,
      time: expect.any(Number),
      pid: process.pid,
      hostname: expect.any(String),
      requestId: headers['x-request-id'],
      operation: 'mutation',
      operationName: 'Bear',
      status: 200,
      durationMs: expect.any(Number),
      msg: 'Request answered',
    },
  ]);
});

test('a refused upgrade has one line, without the content of the request', async () => {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const { status, headers: answered } = await send(server, {
    method: 'GET',
    path: `/healthz?${CANARY}=${CANARY}`,
    headers,
  });
  expect(status).toBe(404);
  expect(linesWith('requestId', answered['x-request-id'])).toMatchObject([
    { level: INFO, operation: 'none', status: 404, code: 'NOT_FOUND', msg: 'Request refused' },
  ]);
});

test('a typed refusal is an outcome, not an error', async () => {
  const id = await livingIn(server, 'Dead');
  await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
  expect(server.logs.at(-1)).toMatchObject({ level: DEBUG, refusal: 'IllegalTransition' });
  expect(server.logs.at(-1)).not.toHaveProperty('code');
});

test.each([
  [
    'an invalid document',
    { headers: JSON_BODY, body: JSON.stringify({ query: `{ ${CANARY} }` }) },
    { operation: 'none', status: 200, code: 'GRAPHQL_VALIDATION_FAILED' },
  ],
  [
    'an invalid variable',
    {
      headers: JSON_BODY,
      body: JSON.stringify({
        query: 'query Find($id: ID!) { life(id: $id) { id } }',
        variables: { id: CANARY },
      }),
    },
    { operation: 'query', operationName: 'Find', status: 200, code: 'BAD_USER_INPUT' },
  ],
  [
    'a body that is no request of GraphQL',
    { headers: JSON_BODY, body: `{"${CANARY}"` },
    { operation: 'none', status: 400, code: 'BAD_REQUEST' },
  ],
  [
    'an address that cannot be routed',
    { method: 'GET', path: `/%ff${CANARY}` },
    { operation: 'none', status: 400, code: 'BAD_REQUEST' },
  ],
  [
    'a foreign origin',
    { headers: { ...JSON_BODY, origin: `https://${CANARY}.example` }, body: '{}' },
    { operation: 'none', status: 403, code: 'FORBIDDEN' },
  ],
  [
    'an unknown address',
    { method: 'GET', path: `/${CANARY}` },
    { operation: 'none', status: 404, code: 'NOT_FOUND' },
  ],
  [
    'a subscription that accepts only a single answer',
    {
      headers: JSON_BODY,
      body: JSON.stringify({ query: 'subscription S { transitions { event } }' }),
    },
    { operation: 'subscription', operationName: 'S', status: 400, code: 'BAD_REQUEST' },
  ],
])('one line, at info, says why %s is refused', async (_what, sending, line) => {
  const { headers } = await send(server, sending);
  expect(linesWith('requestId', headers['x-request-id'])).toMatchObject([
    { level: INFO, msg: 'Request refused', ...line },
  ]);
});

test('a long operation name is left out', async () => {
  const long = 'N'.repeat(65);
  await dataOf(server, `query ${long} { __typename }`);
  expect(server.logs.at(-1)).toMatchObject({ operation: 'query' });
  expect(server.logs.at(-1)).not.toHaveProperty('operationName');
});

test('probes and metrics are logged only at trace', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    const { headers } = await send(server, { method: 'GET', path });
    expect(linesWith('requestId', headers['x-request-id'])).toMatchObject([
      { level: TRACE, status: 200 },
    ]);
  }
});

describe.each(TRANSPORTS)('over %s', (transport) => {
  const WATCH = 'subscription Watch($id: ID!) { lifeChanged(id: $id) { id } }';

  test('a subscription has one line when it begins, and one when it ends', async () => {
    const id = await livingIn(server, 'Gestating');
    const subscriber = subscribe(server, transport, WATCH, { id });
    await subscriber.untilReceived(1);
    await dataOf(server, 'mutation ($id: ID!) { die(id: $id) { __typename } }', { id });
    expect(await subscriber.ended).toEqual({ by: 'completion' });
    await subscriber.stop();
    const lines = linesWith('operation', 'subscription');
    expect(lines).toMatchObject([
      { level: DEBUG, operationName: 'Watch', msg: 'Subscription began' },
      { level: DEBUG, operationName: 'Watch', msg: 'Subscription ended' },
    ]);
    expect(lines[0]?.['requestId']).toBe(lines[1]?.['requestId']);
  });

  test('a refused subscription has one line, with the same id as the error', async () => {
    const subscriber = subscribe(server, transport, WATCH, { id: CANARY });
    await subscriber.ended;
    await subscriber.stop();
    const [told] = subscriber.results.flatMap(({ errors = [] }) => errors);
    const lines = linesWith('operation', 'subscription');
    expect(lines).toMatchObject([
      { level: INFO, operationName: 'Watch', code: 'BAD_USER_INPUT', msg: 'Request refused' },
    ]);
    if (told) expect(lines[0]?.['requestId']).toBe(told.extensions.requestId);
  });
});

test('of a flood of refusals, the log has a hundred lines a second, and then the number of the others', async () => {
  const sent = 250;
  // All refusals fall into one second with no others, and the last one into the next, however slow the machine is.
  const then = performance.now() + 2_000;
  const clock = jest.spyOn(performance, 'now').mockReturnValue(then);
  try {
    for (let count = 0; count < sent; count += 1) await ask(server, '{ nothing }');
    expect(linesWith('code', 'GRAPHQL_VALIDATION_FAILED')).toHaveLength(100);
    clock.mockReturnValue(then + 1_000);
    await ask(server, '{ nothing }');
  } finally {
    clock.mockRestore();
  }
  expect(server.logs.at(-1)).toMatchObject({ level: INFO, heldBack: sent - 100 });
});
