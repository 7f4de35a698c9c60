/** Clients that misuse a connection: they pipeline, send too slowly, do not read, or do not speak HTTP. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { version } from 'altair-static/package.json';
import { type TestServer, startServer } from '../harness';
import { leakIn, send } from './client';

/** Short, because tests wait for it to pass. */
const REQUEST_TIMEOUT = 600;

/** Answers of three megabytes: more than the operating system buffers for a client that does not read. */
const LARGE_FILE = `/graphql/playground/${version}/main.js`;
const MANY_FILES = Array.from({ length: 800 }, () =>
  get(`/graphql/playground/${version}/favicon.ico`),
);

const STREAM = get(
  `/graphql?query=${encodeURIComponent('subscription { transitions { cursor } }')}`,
  'accept: text/event-stream\r\n',
);

let patient: TestServer;
let hasty: TestServer;
/** The patient server, unless a test is about timeouts. */
let server: TestServer;
/** The sockets that a test has opened. */
let sockets: Socket[];

beforeAll(async () => {
  patient = await startServer();
  hasty = await startServer({ REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT) });
});

beforeEach(() => {
  server = patient;
  sockets = [];
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
});

afterAll(async () => {
  await patient.stop();
  await hasty.stop();
});

function askTheHastyOne(): void {
  beforeEach(() => {
    server = hasty;
  });
}

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`;
}

function post(query: string, headers = ''): string {
  const body = JSON.stringify({ query });
  return `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

/** Sends bytes on a connection that stays open. */
async function open(bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  if (bytes !== '') socket.write(bytes);
  return socket;
}

async function metric(name: string): Promise<number> {
  const { text: exposed } = await send(server, { method: 'GET', path: '/metrics' });
  const line = exposed.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const REFUSED = 'graphql_requests_total{operation="none",code="BAD_REQUEST"}';

/** Asks the server until it has this many subscribers. */
async function untilSubscribers(number: number): Promise<void> {
  while ((await metric('feed_subscribers{machine="Life"}')) !== number);
}

describe('requests that a client pipelines on one connection', () => {
  test('are all answered in order, and a file takes no descriptor while it waits', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const socket = await open('');
    const before = descriptors();
    let most = 0;
    socket.on('data', () => {
      most = Math.max(most, descriptors());
    });
    socket.write(`${MANY_FILES.join('')}${get('/healthz', 'connection: close\r\n')}`);
    const answers = await text(socket);
    expect(answers.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(MANY_FILES.length + 1);
    expect(answers).toMatch(/\{"status":"alive"\}$/);
    expect(most - before).toBeLessThan(20);
  });

  test('are begun one after the other, and forgotten when their client leaves', async () => {
    const socket = await open(STREAM.repeat(10));
    await untilSubscribers(1);
    // All ten requests arrived before this one was sent.
    expect(await metric('feed_subscribers{machine="Life"}')).toBe(1);
    socket.resetAndDestroy();
    await untilSubscribers(0);
  });

  test('are also forgotten when their client only ends its side', async () => {
    const socket = await open(STREAM.repeat(10));
    await untilSubscribers(1);
    socket.end();
    await untilSubscribers(0);
  });

  test('keep their order, even if there are more than the server reads at once', async () => {
    const asked = Array.from({ length: 600 }, (_each, index) => `a${index}`);
    const bytes = asked.map((name) => post(`{ ${name}: __typename }`)).join('');
    const socket = await open(bytes + get('/healthz', 'connection: close\r\n'));
    const answers = await text(socket);
    expect(
      [...answers.matchAll(/\{"data":\{"(a\d+)":"Query"\}\}/g)].map(([, name]) => name),
    ).toEqual(asked);
  });

  test('are answered before an invalid request behind them is refused', async () => {
    const socket = await open(`${post('{ census { total } }').repeat(2)}NONSENSE\r\n\r\n`);
    const answers = await text(socket);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 200',
      'HTTP/1.1 400',
    ]);
  });
});

describe('a request that comes too slowly', () => {
  askTheHastyOne();

  const slow = [
    ['a head', 'GET /healthz HTTP/1.1\r\nhost: loc'],
    ['a body', post('{ __typename }').slice(0, -1)],
    [
      'a chunk',
      `${post('').split('content-length')[0] ?? ''}transfer-encoding: chunked\r\n\r\n5\r\n{`,
    ],
    ['a head after an answer', `${get('/healthz')}GET /hea`],
    ['a body after an answer', `${get('/healthz')}${post('{ __typename }').slice(0, -1)}`],
  ] as const;

  test.each(slow)(
    'as %s, is refused, and another connection that was opened earlier is not',
    async (_what, bytes) => {
      const unused = await open('');
      const refusedBefore = await metric(REFUSED);
      const socket = await open(bytes);
      const [, status, ...rest] =
        /HTTP\/1\.1 (408) [^]*\r\n\r\n(\{.*\})$/.exec(await text(socket)) ?? [];
      expect(status).toBe('408');
      expectRefusal(JSON.parse(rest[0] ?? '{}') as object, 408);
      expect(await metric(REFUSED)).toBe(refusedBefore + 1);

      unused.write(get('/healthz', 'connection: close\r\n'));
      expect(await text(unused)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    },
  );
});

describe('a client that asks for large answers', () => {
  askTheHastyOne();

  test.each([
    ['reads nothing', 0],
    ['reads a byte now and then', 1],
  ])('and %s loses its connection', async (_what, bytes) => {
    const socket = await open('');
    socket.pause();
    socket.write(get(LARGE_FILE).repeat(10));
    while (!socket.destroyed) {
      if (bytes > 0) socket.read(bytes);
      // The server resets a connection that it has closed, but this client does not read that.
      socket.write('\r\n');
      await delay(20);
    }
  });

  test('and reads slowly gets all of them', async () => {
    const socket = await open('');
    socket.write(get(LARGE_FILE).repeat(3) + get('/healthz', 'connection: close\r\n'));
    let answers = '';
    // Takes some two seconds: longer than a request may take.
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      answers += chunk.toString('latin1');
      await delay(10);
    }
    expect(answers).toMatch(/\{"status":"alive"\}$/);
    expect(answers.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(4);
  });
});

describe('bytes that are no request get an ordinary refusal', () => {
  const nonsense = [
    ['no HTTP', 'NONSENSE\r\n\r\n', 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an address with bytes beyond ASCII', get('/graphql?query={\u00e4}'), 400],
    ['a request without a host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['a request by HTTP/1.0 without a host', 'GET /graphql?query={a} HTTP/1.0\r\n\r\n', 400],
    ['headers that are too large', get('/healthz', `x: ${'x'.repeat(200_000)}\r\n`), 431],
    ['an address that is too long', get(`/${'x'.repeat(20_000)}`), 431],
    [
      'a chunk that has no size',
      `${post('').split('content-length')[0] ?? ''}transfer-encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
    [
      'a chunk with too much beside its size',
      `${post('').split('content-length')[0] ?? ''}transfer-encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\n`,
      413,
    ],
    ['an expectation', get('/healthz', 'expect: nonsense\r\nconnection: close\r\n'), 417],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n', 405],
  ] as const;

  test.each(nonsense)('%s', async (_what, bytes, status) => {
    const refusedBefore = await metric(REFUSED);
    const socket = await open(bytes);
    const answer = await text(socket);
    const [head = '', body = '{}'] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toMatch(/\r\ncontent-type: application\/json; charset=utf-8\r?/i);
    const requestId = expectRefusal(JSON.parse(body) as object, status);
    expect(head).toContain(`x-request-id: ${requestId}`);
    expect(await metric(REFUSED)).toBe(refusedBefore + 1);
  });
});

test('a Host header that names no host is refused, even if the server accepts any name', async () => {
  const reachable = await startServer({ HOST: '0.0.0.0', AUTH: 'off' });
  try {
    const { port } = new URL(reachable.url);
    for (const host of ['[', 'a b', '%', 'a:b', 'a:99999', '::1']) {
      const { status, body } = await send(
        { url: `http://127.0.0.1:${port}` },
        { headers: { host, 'content-type': 'application/json' }, body: '{"query":"{__typename}"}' },
      );
      expect({ host, status }).toEqual({ host, status: 400 });
      expect(body.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    }
  } finally {
    await reachable.stop();
  }
});

/** @returns the id of the request, which one line of the log must also have */
function expectRefusal(body: object, status: number): string {
  expect(body).toEqual({
    errors: [
      {
        message: expect.any(String),
        extensions: { code: 'BAD_REQUEST', requestId: expect.any(String) },
      },
    ],
  });
  expect(leakIn(JSON.stringify(body))).toBeUndefined();
  const [, requestId = ''] = /"requestId":"([^"]+)"/.exec(JSON.stringify(body)) ?? [];
  const lines = server.logs.filter((line) => line['requestId'] === requestId);
  expect(lines).toMatchObject([{ code: 'BAD_REQUEST', status, msg: 'Request refused' }]);
  return requestId;
}
