/**
 * Generated input of every kind, at every entrance: over HTTP, as raw bytes, over WebSocket and as event streams. The
 * server answers or refuses each in time, leaks nothing, stays up, and writes nothing that it has not acknowledged.
 */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type GraphQLObjectType, getNamedType } from 'graphql';
import { Client } from 'pg';
import WebSocket from 'ws';
import { createSchema } from 'persistent-machine/graphql/schema';
import { served } from '../../src/application';
import { Bystanders } from '../api/Bystanders';
import { JSON_BODY, type Reply, leakIn, send } from '../api/client';
import { type TestServer, startServer } from '../harness';
import { problemsOf } from './integrity';

jest.setTimeout(120_000);

/** Shorter than the default, because the server waits this long for incomplete requests. */
const REQUEST_TIMEOUT = 2_000;

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let server: TestServer;
let bystanders: Bystanders;
let owner: Client;
/** Lives that an answer has acknowledged. */
const acknowledged = new Set<string>();

beforeAll(async () => {
  server = await startServer({ REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT) });
  bystanders = await Bystanders.of(server);
  owner = new Client({ connectionString: server.database?.url });
  await owner.connect();
  for (const id of await lives()) acknowledged.add(id);
});

/** After any input, the server still answers, and has exactly what it acknowledged. */
afterEach(async () => {
  const { status, body } = await send(server, {
    headers: JSON_BODY,
    body: JSON.stringify({ query: '{ census { total } }' }),
  });
  expect(status).toBe(200);
  expect(body).toEqual({ data: { census: { total: acknowledged.size } } });
  expect(await lives()).toEqual([...acknowledged].sort());
  expect(await problemsOf(owner)).toEqual([]);
  await bystanders.expectUnchanged();
  expect(server.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

afterAll(async () => {
  try {
    await owner.end();
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

async function lives(): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>('SELECT id FROM lives ORDER BY id');
  return rows.map(({ id }) => id);
}

/** Asserts that an answer blames no one but the client for an error. */
function expectAnswered({ status, text }: Reply): void {
  expect(status).toBeGreaterThanOrEqual(200);
  expect(status).toBeLessThan(500);
  expect(text).not.toContain('INTERNAL_SERVER_ERROR');
  note(text);
}

/**
 * Records a life that an answer acknowledges, by the answer's shape: an altered document that is still valid may rename
 * its fields. Only conceptions are answered with an id alone (see `operations`).
 */
function note(answer: string): void {
  for (const [, id] of answer.matchAll(/"data":\{"\w+":\{"id":"([^"]+)"\}/g)) {
    if (id !== undefined) acknowledged.add(id);
  }
}

/** An error may repeat the input, which is no leak. So the tests send nothing that looks like one. */
function unlikeLeaks<T>(input: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return input.filter((generated) => {
    const sent = Buffer.isBuffer(generated)
      ? generated.toString('latin1')
      : JSON.stringify(generated);
    return leakIn(sent) === undefined;
  });
}

/** Text that some layer may mishandle. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '\0',
    'a\0b',
    '\ud800',
    '\udfff\ud800',
    '💀',
    'null',
    '__proto__',
    "'; --",
    '\\',
    '"',
    '%00',
    ID,
    ID.toUpperCase(),
    'NaN',
    '1e999',
    '9999999999999999999999',
    '2026-02-30T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    Buffer.from('feed 99999999999999999999').toString('base64url'),
    Buffer.from('feed 9223372036854775808').toString('base64url'),
    Buffer.from('feed 9007199254740993').toString('base64url'),
    'x'.repeat(300),
  ),
);

const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(
    -1,
    0,
    1,
    100,
    101,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53,
    1e308,
    -0,
    0.5,
  ),
);

const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 3, arbitrary: number },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false) },
  { weight: 1, arbitrary: fc.jsonValue() },
  { weight: 1, arbitrary: fc.array(fc.oneof(text, number), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom('ALIVE', 'BIRTH', 'NEWEST_FIRST', ['DEAD', 'DEAD'], []) },
);

/** The selection of a life beside the field that finds it, and that field's arguments. */
const OF_LIFE = {
  declared:
    '$version: Int, $asOf: DateTime, $first: Int, $after: String, $last: Int, $before: String',
  names: ['version', 'asOf', 'first', 'after', 'last', 'before'],
  selection: `{
    id snapshot(version: $version, asOf: $asOf) { phase }
    history(first: $first, after: $after, last: $last, before: $before) { nodes { version } }
  }`,
};

/** Each root field of the schema, in a document that takes all of its arguments as variables. */
const operations = Object.entries(roots()).flatMap(([kind, root]) =>
  Object.values(root?.getFields() ?? {}).map(({ name, args, type }) => {
    const isLife = getNamedType(type).name === 'Life';
    const declared = args.map((argument) => `$${argument.name}: ${argument.type.toString()}`);
    if (isLife) declared.push(OF_LIFE.declared);
    const given = args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
    const selection =
      name === 'conceive' ? '{ id }' : isLife ? OF_LIFE.selection : '{ __typename }';
    const [before, after] = [declared.join(', '), given].map((list) => (list ? `(${list})` : ''));
    return {
      names: [...args.map((argument) => argument.name), ...(isLife ? OF_LIFE.names : [])],
      query: `${kind} ${before ?? ''} {
        outcome: ${name}${after ?? ''} ${selection}
      }`,
    };
  }),
);

function roots(): Record<string, GraphQLObjectType | null | undefined> {
  const schema = createSchema(served.machines);
  return {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
}

/** An operation, with any value for any argument. */
const operation = fc.constantFrom(...operations).chain(({ names, query }) =>
  fc.record({
    query: fc.constant(query),
    variables: fc.record(Object.fromEntries(names.map((name) => [name, value])), {
      requiredKeys: [],
    }),
  }),
);

const nestedIn = (depth: number, open: string, inner: string, close: string): string =>
  open.repeat(depth) + inner + close.repeat(depth);

/** A document that is altered but valid, and conceives under an alias. */
const CONCEIVED = 'mutation { outcme: conceive { id } }';

/** Documents that are too deep, too wide, invalid, or almost valid. */
const document = fc.oneof(
  text,
  fc.nat(3_000).map((depth) => nestedIn(depth, '{a', '', '}')),
  fc.nat(3_000).map((depth) => `{ life(id: ${nestedIn(depth, '[', '1', ']')}) { id } }`),
  fc
    .nat(30)
    .map(
      (depth) =>
        `{ lives ${nestedIn(depth, '{ nodes { history { nodes { life ', '{ id }', '} } } }')} }`,
    ),
  fc.nat(2_000).map((width) => `{ ${'__typename '.repeat(width)} }`),
  fc
    .nat(300)
    .map(
      (width) =>
        `{ ${Array.from({ length: width }, (_, index) => `a${index}: census { total }`).join(' ')} }`,
    ),
  fc.nat(300).map((width) => `query ${'@skip(if: true) '.repeat(width)} { __typename }`),
  fc
    .nat(50)
    .map(
      (length) =>
        `{ ...a } ${Array.from({ length }, (_, index) => `fragment ${'ab'[index % 2] ?? ''}${index} on Query { ...a${index + 1} }`).join(' ')}`,
    ),
  fc.constant('fragment a on Query { ...b } fragment b on Query { ...a } { ...a }'),
  fc.tuple(operation, fc.nat(), fc.nat(), text).map(([{ query }, from, length, inserted]) => {
    const at = from % query.length;
    return query.slice(0, at) + inserted + query.slice(at + (length % 5));
  }),
);

/** The body of a request, as bytes. */
const body: fc.Arbitrary<Buffer> = fc.oneof(
  fc.jsonValue().map((json) => Buffer.from(JSON.stringify(json))),
  fc
    .constantFrom('', 'null', '[]', '{}', '"x"', '0', '{"query":null}', '{"query":"{__typename}"')
    .map((json) => Buffer.from(json)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.nat(60_000).map((depth) => Buffer.from(`{"query":${nestedIn(depth, '[', '', ']')}}`)),
  fc
    .record(
      {
        query: fc.oneof(document, value),
        variables: value,
        operationName: value,
        extensions: value,
        id: value,
      },
      { requiredKeys: [] },
    )
    .map((json) => Buffer.from(JSON.stringify(json))),
  fc.tuple(operation, fc.nat()).map(([json, end]) => {
    const whole = Buffer.from(JSON.stringify(json));
    return whole.subarray(0, end % whole.length);
  }),
  operation.map((json) => gzipSync(JSON.stringify(json))),
  fc.constant(Buffer.alloc(100_001, ' ')),
);

const headers = fc.record(
  {
    'content-type': fc.constantFrom(
      'application/json',
      'application/json; charset=utf-16',
      'application/json;charset',
      'application/graphql',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      '/',
      ';',
      'application/json, text/plain',
      'application/JSON',
    ),
    'content-encoding': fc.constantFrom('gzip', 'br', 'deflate', 'identity', 'nonsense'),
    accept: fc.constantFrom(
      '*/*',
      'application/graphql-response+json',
      'text/event-stream',
      'text/html',
      'image/png',
      'text/',
      ';q=',
      'text/event-stream;q=0, text/html;q=nonsense',
    ),
    'accept-encoding': fc.constantFrom('gzip', 'nonsense'),
    authorization: fc.constantFrom('Bearer', 'Bearer x.y.z', 'Basic Og=='),
    origin: fc.constantFrom('null', 'http://elsewhere.example', 'nonsense'),
    upgrade: fc.constantFrom('h2c', 'nonsense'),
    expect: fc.constantFrom('100-continue'),
    'x-request-id': fc.constantFrom('mine', 'x'.repeat(5_000)),
    'x-huge': fc.constantFrom('x'.repeat(14_000), 'x'.repeat(17_000)),
  },
  { requiredKeys: [] },
);

/** How long the server may take to close, in milliseconds: far longer than any request. */
const IN_TIME = 5 * REQUEST_TIMEOUT;

/** Sends raw bytes, and returns what comes until the server closes. Rejects if it does not close in time. */
async function sendBytes(bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = new Socket().connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // The server may close while the client still sends. Its answer may or may not have arrived.
  socket.on('error', () => undefined);
  socket.end(bytes);
  try {
    await once(socket, 'close', { signal: AbortSignal.timeout(IN_TIME) });
  } finally {
    socket.destroy();
  }
  return Buffer.concat(chunks).toString();
}

/** A request as bytes, valid or almost valid. */
const rawRequest = fc
  .record({
    line: fc.oneof(
      { weight: 4, arbitrary: fc.constant('POST /graphql HTTP/1.1') },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          'GET /graphql?query={__typename} HTTP/1.1',
          'GET /graphql?query=%FF%00%ZZ&variables=%7B HTTP/1.1',
          'GET /graphql?variables=%5B&query=1&query=2&__proto__=3 HTTP/1.1',
          'GET /%FF%C0%AE HTTP/1.1',
          'GET /graphql/../../etc/passwd HTTP/1.1',
          'GET /graphql/playground/%2e%2e%2f%2e%2e/package.json HTTP/1.1',
          'GET http://elsewhere.example/graphql HTTP/1.1',
          'OPTIONS * HTTP/1.1',
          'PUT /graphql HTTP/1.1',
          'HEAD /graphql HTTP/1.1',
          'TRACE /graphql HTTP/1.1',
          'CONNECT elsewhere.example:80 HTTP/1.1',
          'PRI * HTTP/2.0',
          'POST /graphql HTTP/3.7',
          'POST /graphql',
          'post /graphql HTTP/1.1',
          ' / ',
          `GET /${'x'.repeat(17_000)} HTTP/1.1`,
        ),
      },
      { weight: 1, arbitrary: fc.string() },
    ),
    headers: fc.array(
      fc.oneof(
        fc.constantFrom(
          'Content-Length: 5',
          'Content-Length: -1',
          'Content-Length: 5\r\nContent-Length: 6',
          'Content-Length: 99999999999999999999',
          'Transfer-Encoding: chunked',
          'Transfer-Encoding: gzip, chunked',
          'Transfer-Encoding: chunked\r\nContent-Length: 3',
          'Connection: keep-alive, upgrade\r\nUpgrade: websocket',
          'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 7',
          'Connection: upgrade\r\nUpgrade: h2c',
          'Expect: nonsense',
          ': no name',
          'No colon',
          'X: \0',
          'X: \x7f\xff',
          ' Folded: yes',
        ),
        fc.string(),
      ),
      { maxLength: 4 },
    ),
    hosts: fc.constantFrom(
      [],
      ['localhost'],
      ['localhost'],
      ['localhost'],
      ['a', 'b'],
      ['elsewhere.example'],
      ['\xff'],
    ),
    type: fc.constantFrom('application/json', 'nonsense'),
    ending: fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\n\n', ''),
    body: fc.constantFrom(
      '',
      '{"query":"{__typename}"}',
      '5\r\nhello\r\n0\r\n\r\n',
      'zz\r\n',
      '\0\0\0',
      'FFFFFFFFFFFFFFFFF\r\n',
    ),
  })
  .map(({ line, headers: lines, hosts, type, ending, body: content }) =>
    Buffer.from(
      [line, ...hosts.map((host) => `Host: ${host}`), `Content-Type: ${type}`, ...lines].join(
        '\r\n',
      ) +
        ending +
        content,
      'latin1',
    ),
  );

/** An upgrade that a client pipelines behind an unanswered request. */
const UPGRADE_BEHIND_ANOTHER = Buffer.from(
  `POST /graphql HTTP/1.1\r\nHost: localhost\r\n\r\nGET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
);

/** Asserts that the raw bytes are answers only, and that each blames the client. */
function expectAnswers(bytes: string): void {
  for (const status of bytes.matchAll(/^HTTP\/1\.1 (\d+)/gm)) {
    expect(Number(status[1])).toBeLessThan(500);
  }
  if (bytes !== '') expect(bytes).toMatch(/^HTTP\/1\.1 /);
  expect(bytes).not.toContain('INTERNAL_SERVER_ERROR');
  note(bytes);
  // The playground is no error, so it may contain anything.
  if (!/^content-type: text\/html/m.test(bytes)) expect(leakIn(bytes)).toBeUndefined();
}

test('the server handles any value for any argument, over HTTP', async () => {
  await fc.assert(
    fc.asyncProperty(unlikeLeaks(operation), async (asked) => {
      expectAnswered(await send(server, { headers: JSON_BODY, body: JSON.stringify(asked) }));
    }),
    { numRuns: 400 },
  );
});

test('the server handles any document', async () => {
  await fc.assert(
    fc.asyncProperty(unlikeLeaks(document), async (query) => {
      expectAnswered(await send(server, { headers: JSON_BODY, body: JSON.stringify({ query }) }));
    }),
    { numRuns: 200, examples: [[CONCEIVED]] },
  );
});

test('the server handles any body, with any headers, by any method', async () => {
  const method = fc.constantFrom(
    'POST',
    'POST',
    'POST',
    'GET',
    'PUT',
    'OPTIONS',
    'DELETE',
    'PATCH',
    'HEAD',
  );
  const path = fc.constantFrom(
    '/graphql',
    '/graphql',
    '/graphql?query=%7B__typename%7D',
    '/graphql/',
    '/nowhere',
    '/readyz',
  );
  await fc.assert(
    fc.asyncProperty(unlikeLeaks(body), headers, method, path, async (bytes, given, how, where) => {
      const head = [
        `${how} ${where} HTTP/1.1`,
        'Host: localhost',
        'Connection: close',
        `Content-Length: ${bytes.length}`,
        ...Object.entries(given).map(([name, content]) => `${name}: ${content}`),
      ].join('\r\n');
      const answer = await sendBytes(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), bytes]));
      expect(answer).not.toBe('');
      expectAnswers(answer);
    }),
    {
      numRuns: 300,
      examples: [
        [
          Buffer.from(JSON.stringify({ query: CONCEIVED })),
          { 'content-type': 'application/json' },
          'POST',
          '/graphql',
        ],
      ],
    },
  );
});

test('the server handles any bytes, with one request behind the other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(unlikeLeaks(rawRequest), { minLength: 1, maxLength: 3 }),
      async (requests) => {
        expectAnswers(await sendBytes(Buffer.concat(requests)));
      },
    ),
    {
      numRuns: 200,
      examples: [[[UPGRADE_BEHIND_ANOTHER]]],
      // Earlier than jest's timeout, which does not report the input. While fast-check shrinks the input, each attempt
      // may take its time.
      plugins: [fc.interruptAfterTimeLimit(90_000, { failOnInterrupt: true })],
    },
  );
});

test('the server handles any subscription, as an event stream', async () => {
  const request = unlikeLeaks(fc.oneof(operation, fc.record({ query: document })));
  await fc.assert(
    fc.asyncProperty(request, fc.boolean(), async (asked, byPost) => {
      const leaving = new AbortController();
      const url = new URL('/graphql', server.url);
      if (!byPost) {
        url.searchParams.set('query', asked.query);
        if ('variables' in asked)
          url.searchParams.set('variables', JSON.stringify(asked.variables));
      }
      const response = await fetch(url, {
        method: byPost ? 'POST' : 'GET',
        headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
        signal: leaving.signal,
        ...(byPost ? { body: JSON.stringify(asked) } : {}),
      });
      expect(response.status).toBeLessThan(500);
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
      if (isStream !== true) expect(leakIn(await response.text())).toBeUndefined();
      leaving.abort();
    }),
    { numRuns: 150 },
  );
});

/** Messages in any order, with any content. */
const message: fc.Arbitrary<string | Buffer> = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  value.map((json) => JSON.stringify(json)),
  fc
    .record(
      {
        type: fc.oneof(
          {
            weight: 5,
            arbitrary: fc.constantFrom(
              'connection_init',
              'subscribe',
              'complete',
              'ping',
              'pong',
              'next',
              'error',
              'connection_ack',
            ),
          },
          { weight: 1, arbitrary: value },
        ),
        id: fc.oneof(fc.constantFrom('1', '2'), value),
        payload: fc.oneof(operation, fc.record({ query: document }), value),
      },
      { requiredKeys: ['type'] },
    )
    .map((json) => JSON.stringify(json)),
  fc.constant(Buffer.alloc(100_001, ' ')),
);

test('the server handles any messages over a WebSocket', async () => {
  const protocol = fc.constantFrom(
    'graphql-transport-ws',
    'graphql-transport-ws',
    'graphql-ws',
    'nonsense',
  );
  await fc.assert(
    fc.asyncProperty(
      protocol,
      fc.boolean(),
      fc.array(unlikeLeaks(message), { minLength: 1, maxLength: 8 }),
      async (subprotocol, greets, messages) => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, subprotocol);
        const received: string[] = [];
        socket.on('message', (said: Buffer) => received.push(said.toString()));
        socket.on('error', () => undefined);
        const closed = new Promise<string>((resolve) => {
          socket.once('close', (_code: number, reason: Buffer) => {
            resolve(reason.toString());
          });
        });
        socket.once('open', () => {
          if (greets) socket.send(JSON.stringify({ type: 'connection_init' }));
          for (const each of messages) socket.send(each);
          socket.close();
        });
        expect(leakIn(await closed)).toBeUndefined();
        for (const said of received) {
          expect(leakIn(said)).toBeUndefined();
          expect(said).not.toContain('INTERNAL_SERVER_ERROR');
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('the server handles any frames over a WebSocket', async () => {
  const handshake = [
    'GET /graphql HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
  ].join('\r\n');
  const frame = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    // Unmasked; masked and truncated; a continuation without a beginning; a control frame that is too long; a huge
    // frame.
    fc
      .constantFrom(
        '8102e28281',
        '8182',
        '80820000000041',
        '89ff',
        '89fe00ff',
        '81ffffffffffffffffff',
        'f180',
        '8880',
        '888100000000ff',
        '0181000000007b',
      )
      .map((hex) => Buffer.from(hex, 'hex')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 5 }), async (frames) => {
      const answer = await sendBytes(
        Buffer.concat([Buffer.from(`${handshake}\r\n\r\n`), ...frames]),
      );
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(leakIn(answer)).toBeUndefined();
    }),
    { numRuns: 100 },
  );
});
