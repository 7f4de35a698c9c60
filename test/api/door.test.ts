/**
 * Requests that never reach the execution of GraphQL. Each gets a refusal of the same form that says why and names the
 * request, and changes nothing.
 */
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestServer, startServer } from '../harness';
import { JSON_BODY, LEAK, type Sending, dataOf, send } from './client';

const TYPENAME = JSON.stringify({ query: '{ __typename }' });
const CONCEIVE = JSON.stringify({ query: 'mutation { conceive { id } }' });

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterEach(async () => {
  expect(await dataOf(server, '{ census { total } }')).toEqual({ census: { total: 0 } });
});

afterAll(async () => {
  await server.stop();
});

const get = (query: string): string => `/graphql?query=${encodeURIComponent(query)}`;

const refused: readonly (Sending & { what: string; status: number; code: string })[] = [
  {
    what: 'malformed JSON',
    headers: JSON_BODY,
    body: '{"query": "mutation { conceive { id } }"',
    status: 400,
    code: 'BAD_REQUEST',
  },
  { what: 'an empty body', headers: JSON_BODY, body: '', status: 400, code: 'BAD_REQUEST' },
  {
    what: 'a body that is null',
    headers: JSON_BODY,
    body: 'null',
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a body that is text',
    headers: JSON_BODY,
    body: '"x"',
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a batch',
    headers: JSON_BODY,
    body: `[${CONCEIVE}, ${CONCEIVE}]`,
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a body that would change a prototype',
    headers: JSON_BODY,
    body: `{"__proto__": {"query": "{ __typename }"}, "query": "mutation { conceive { id } }"}`,
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a query that is not a string',
    headers: JSON_BODY,
    body: '{"query": 5}',
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'variables that are not an object',
    headers: JSON_BODY,
    body: '{"query": "{ __typename }", "variables": [1]}',
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a URL-encoded form',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ query: 'mutation { conceive { id } }' }).toString(),
    status: 415,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a multipart form',
    headers: { 'content-type': 'multipart/form-data; boundary=part' },
    body: `--part\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${CONCEIVE}\r\n--part--\r\n`,
    status: 415,
    code: 'BAD_REQUEST',
  },
  {
    what: 'plain text, which an HTML form can send',
    headers: { 'content-type': 'text/plain' },
    body: CONCEIVE,
    status: 400,
    code: 'BAD_REQUEST',
  },
  { what: 'a body without a content type', body: CONCEIVE, status: 415, code: 'BAD_REQUEST' },
  {
    what: 'a body that is too large',
    headers: JSON_BODY,
    body: JSON.stringify({ query: 'mutation { conceive { id } }', variables: 'x'.repeat(100_000) }),
    status: 413,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a GET that a page of any origin could send',
    method: 'GET',
    path: get('{ __typename }'),
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a GET without a query',
    method: 'GET',
    headers: JSON_BODY,
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a mutation by GET',
    method: 'GET',
    path: get('mutation { conceive { id } }'),
    headers: JSON_BODY,
    status: 405,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a mutation by GET, with any Accept header',
    method: 'GET',
    path: get('mutation { conceive { id } }'),
    headers: { ...JSON_BODY, accept: 'application/graphql-response+json' },
    status: 405,
    code: 'BAD_REQUEST',
  },
  {
    what: 'an Accept header that no answer satisfies',
    headers: { ...JSON_BODY, accept: 'image/png' },
    body: TYPENAME,
    status: 406,
    code: 'BAD_REQUEST',
  },
  { what: 'an unknown route', method: 'GET', path: '/nothing', status: 404, code: 'NOT_FOUND' },
  {
    what: 'GraphQL at an unknown route',
    path: '/',
    headers: JSON_BODY,
    body: CONCEIVE,
    status: 404,
    code: 'NOT_FOUND',
  },
  {
    what: 'a method that GraphQL does not use',
    method: 'PUT',
    headers: JSON_BODY,
    body: CONCEIVE,
    status: 405,
    code: 'BAD_REQUEST',
  },
  {
    what: 'a path that is not well-formed',
    method: 'GET',
    path: '/%ff',
    status: 400,
    code: 'BAD_REQUEST',
  },
];

test.each(refused)(
  '$what gets a refusal with status $status',
  async ({ status, code, ...sending }) => {
    const { status: actual, body } = await send(server, sending);
    expect(actual).toBe(status);
    expect(body.data).toBeUndefined();
    expect(body.errors).toMatchObject([{ message: expect.any(String), extensions: { code } }]);
  },
);

test('a document with an error of syntax or validation gets its errors in a 200', async () => {
  const codes = {
    '{': 'GRAPHQL_PARSE_FAILED',
    '{ unborn }': 'GRAPHQL_VALIDATION_FAILED',
    'query A { __typename } query B { __typename }': 'OPERATION_RESOLUTION_FAILURE',
    [`{ ${'__typename '.repeat(1_001)} }`]: 'GRAPHQL_PARSE_FAILED',
    ['['.repeat(3_000)]: 'GRAPHQL_PARSE_FAILED',
  };
  for (const [query, code] of Object.entries(codes)) {
    const { status, body } = await send(server, {
      headers: JSON_BODY,
      body: JSON.stringify({ query }),
    });
    expect(status).toBe(200);
    expect(body.errors).toMatchObject([{ extensions: { code } }]);
  }
});

test('a document whose answer would grow exponentially with its depth is refused before it is executed', async () => {
  const documents = {
    nested: `{ lives { nodes { ${'history { nodes { life { '.repeat(8)} id ${'} } } '.repeat(8)} } } }`,
    fragments: `{ lives { nodes { ...F0 } } } ${Array.from(
      { length: 8 },
      (_, level) =>
        `fragment F${level} on Life {
          one: history { nodes { life { ...F${level + 1} } } }
          other: history { nodes { life { ...F${level + 1} } } }
        }`,
    ).join('')} fragment F8 on Life { id }`,
  };
  for (const query of Object.values(documents)) {
    const { body } = await send(server, { headers: JSON_BODY, body: JSON.stringify({ query }) });
    expect(body.data).toBeUndefined();
    expect(body.errors?.[0]).toMatchObject({ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
  }
});

test('connections nested two deep are answered', async () => {
  const page = 'pageInfo { hasNextPage } edges { cursor node';
  const query = `{ lives { ${page} { id history { ${page} { event life { history { nodes { snapshot { phase } } } } } } } } } } }`;
  const { body } = await send(server, { headers: JSON_BODY, body: JSON.stringify({ query }) });
  expect(body.errors).toBeUndefined();
});

test('a client that accepts application/graphql-response+json gets the status of the error', async () => {
  const headers = { ...JSON_BODY, accept: 'application/graphql-response+json' };
  for (const query of ['{', '{ unborn }', 'query ($id: ID!) { life(id: $id) { id } }']) {
    const { status } = await send(server, { headers, body: JSON.stringify({ query }) });
    expect(status).toBe(400);
  }
});

test('every request gets a new id, never one that the client sends', async () => {
  const ids = new Set<unknown>();
  for (const id of ['mine', 'mine', 'mine']) {
    const { headers } = await send(server, {
      headers: { ...JSON_BODY, 'x-request-id': id },
      body: TYPENAME,
    });
    ids.add(headers['x-request-id']);
  }
  expect(ids.size).toBe(3);
  expect(ids.has('mine')).toBe(false);
});

test('a client that uses another method learns which ones are allowed', async () => {
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const { headers } = await send(server, { method });
    expect(headers.allow).toBe('GET, HEAD, POST');
  }
});

test('a request without a Host header is answered, not failed', async () => {
  for (const version of ['1.0', '1.1']) {
    const answer = await sendRaw(`GET /healthz HTTP/${version}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  }
});

test('bytes that are not HTTP are refused, and the refusal leaks nothing', async () => {
  for (const nonsense of ['NONSENSE\r\n\r\n', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`]) {
    const answer = await sendRaw(nonsense);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toMatch(LEAK);
  }
});

/** Sends raw bytes, and reads until the server closes. */
async function sendRaw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = new Socket().connect(Number(port), hostname);
  socket.end(bytes);
  return text(socket);
}
