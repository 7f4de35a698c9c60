/**
 * The WebSocket protocol below the subscriptions: which upgrades the server accepts, what a client may send before the
 * acknowledgement, and what happens to a client that sends more than it reads.
 */
import { once } from 'node:events';
import { Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import WebSocket from 'ws';
import { type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { LEAK } from './client';

/** A message from the server. */
interface Said {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

let server: TestServer;
let bystanders: Bystanders;
let sockets: WebSocket[];

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
});

beforeEach(() => {
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  try {
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

async function open(): Promise<WebSocket> {
  const url = `${server.url.replace('http', 'ws')}/graphql`;
  const socket = new WebSocket(url, 'graphql-transport-ws');
  // The server may reset the connection if it no longer reads what the client has sent.
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'open');
  return socket;
}

const say = (socket: WebSocket, message: object): void => {
  socket.send(JSON.stringify(message));
};

/** All further messages from the server on a socket. */
function listenTo(socket: WebSocket): readonly Said[] {
  const said: Said[] = [];
  socket.on('message', (message: Buffer) => {
    // The server writes JSON.
    said.push(JSON.parse(message.toString()) as Said);
  });
  return said;
}

async function openAcknowledged(payload: object = {}): Promise<WebSocket> {
  const socket = await open();
  say(socket, { type: 'connection_init', payload });
  await once(socket, 'message');
  return socket;
}

async function closeCodeOf(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

/** Whether the server has stopped reading from a client. Node has no other way to find its socket. */
function isHeldBack(): boolean {
  const handles = Reflect.apply(
    Reflect.get(process, '_getActiveHandles') as () => object[],
    process,
    [],
  );
  const port = Number(new URL(server.url).port);
  return handles.some(
    (handle) =>
      handle instanceof Socket &&
      handle.remotePort !== port &&
      handle.isPaused() &&
      handle.writableNeedDrain,
  );
}

describe('a connection that is not acknowledged yet', () => {
  const PING = { type: 'ping' };

  test.each<[string, (socket: WebSocket) => void]>([
    [
      'a message longer than any token',
      (socket) => {
        say(socket, { ...PING, payload: { padding: 'x'.repeat(90_000) } });
      },
    ],
    [
      'a message that does not end',
      (socket) => {
        socket.send('x'.repeat(90_000), { fin: false });
      },
    ],
    [
      'dozens of pings',
      (socket) => {
        for (let index = 0; index < 12; index += 1) say(socket, PING);
      },
    ],
    [
      'dozens of WebSocket pings',
      (socket) => {
        for (let index = 0; index < 12; index += 1) socket.ping();
      },
    ],
  ])('is closed if its client sends %s', async (_what, flood) => {
    const socket = await open();
    const said = listenTo(socket);
    flood(socket);
    expect(await closeCodeOf(socket)).toBe(4400);
    expect(said.length).toBeLessThanOrEqual(10);
  });

  test('is closed if its client sends nothing', async () => {
    expect(await closeCodeOf(await open())).toBe(4408);
  });

  test('accepts a long token, and a few pings', async () => {
    const socket = await open();
    const said = listenTo(socket);
    for (let index = 0; index < 5; index += 1) say(socket, PING);
    const payload = { Authorization: `Bearer ${'x'.repeat(12_000)}` };
    say(socket, { type: 'connection_init', payload });
    await until(() => said.length === 6);
    expect(said.map(({ type }) => type)).toEqual([
      ...Array.from({ length: 5 }, () => 'pong'),
      'connection_ack',
    ]);
  });
});

test('the server stops reading from a client whose answers pile up, and the client gets them all once it reads', async () => {
  const socket = await openAcknowledged();
  const said = listenTo(socket);
  let closed = false;
  socket.once('close', () => {
    closed = true;
  });
  socket.pause();
  const pings = Array.from({ length: 300 }, (_, index) => index);
  const padding = 'x'.repeat(90_000);
  for (const index of pings) say(socket, { type: 'ping', payload: { index, padding } });
  await until(() => closed || isHeldBack());
  expect(closed).toBe(false);
  socket.resume();
  await until(() => closed || said.length === pings.length);
  expect(said.map(({ payload }) => (payload as { index: number }).index)).toEqual(pings);
});

describe('a message', () => {
  const PAYLOAD = { query: 'subscription { transitions { cursor } }' };
  const messageOf = (padding: Buffer): Buffer => {
    const [head = '', tail = ''] = JSON.stringify({ type: 'ping', payload: { key: '?' } }).split(
      '?',
    );
    return Buffer.concat([Buffer.from(head), padding, Buffer.from(tail)]);
  };
  // The first half of a character, and a character in more bytes than it needs.
  const MALFORMED = [Buffer.from([0xc3]), Buffer.from([0xc0, 0xaf])];

  test.each([true, false])('that is not UTF-8 closes the socket; binary: %s', async (binary) => {
    for (const malformed of MALFORMED) {
      const socket = await openAcknowledged();
      const said = listenTo(socket);
      socket.send(messageOf(malformed), { binary });
      expect(await closeCodeOf(socket)).toBe(1007);
      expect(said).toEqual([]);
    }
  });

  test('may be sent as bytes', async () => {
    const socket = await openAcknowledged();
    const said = listenTo(socket);
    socket.send(messageOf(Buffer.from('é')), { binary: true });
    await until(() => said.length > 0);
    expect(said).toEqual([{ type: 'pong', payload: { key: 'é' } }]);
  });

  test('of more than a hundred thousand bytes closes the socket', async () => {
    const socket = await openAcknowledged();
    socket.send('x'.repeat(100_001));
    expect(await closeCodeOf(socket)).toBe(1009);
  });

  test('in too many frames closes the socket', async () => {
    const socket = await openAcknowledged();
    for (let frame = 0; frame < 200; frame += 1) socket.send('x', { fin: false });
    expect(await closeCodeOf(socket)).toBe(1008);
  });

  test.each<[string, (nested: string) => string]>([
    ['a ping', (nested) => `{"type":"ping","payload":{"a":${nested}}}`],
    [
      'variables',
      (nested) =>
        `{"type":"subscribe","id":"1","payload":${JSON.stringify(PAYLOAD).slice(0, -1)},"variables":{"a":${nested}}}}`,
    ],
  ])(
    'nested as deep as possible, in %s, is reported as the client’s mistake',
    async (_where, messageWith) => {
      const logged = server.logs.length;
      const socket = await openAcknowledged();
      const said = listenTo(socket);
      let closed: number | undefined;
      socket.once('close', (code: number) => {
        closed = code;
      });
      socket.send(messageWith('['.repeat(45_000) + ']'.repeat(45_000)));
      await until(() => closed !== undefined || said.length > 0);
      if (closed === undefined) {
        expect(said).toMatchObject([
          { type: 'error', payload: [{ extensions: { code: 'BAD_REQUEST' } }] },
        ]);
      } else {
        expect(closed).toBe(4400);
      }
      // 50 is pino's level of an error.
      expect(server.logs.slice(logged).filter(({ level }) => Number(level) >= 50)).toEqual([]);
    },
  );

  test('with too long an id closes the socket', async () => {
    const socket = await openAcknowledged();
    say(socket, { type: 'subscribe', id: 'x'.repeat(256), payload: PAYLOAD });
    expect(await closeCodeOf(socket)).toBe(4400);
  });

  test('is refused if its id and those of the running subscriptions are too long together', async () => {
    const socket = await openAcknowledged();
    const said = listenTo(socket);
    const payload = { ...PAYLOAD, variables: { padding: 'x'.repeat(90_000) } };
    for (const id of ['1', '2', '3']) say(socket, { type: 'subscribe', id, payload });
    await until(() => said.length > 0);
    expect(said).toMatchObject([
      { type: 'error', id: '3', payload: [{ extensions: { code: 'BAD_REQUEST' } }] },
    ]);
    // An ended subscription makes room for others. It can only end once it has begun.
    say(socket, { type: 'complete', id: '1' });
    for (let number = 4, isRefused = true; isRefused; number += 1) {
      const before = said.length;
      say(socket, { type: 'subscribe', id: String(number), payload });
      say(socket, { type: 'ping' });
      await until(() => said.length > before && said.at(-1)?.type === 'pong');
      isRefused = said.length > before + 1;
    }
  });
});

describe('an upgrade', () => {
  const HANDSHAKE = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
  };

  /** Asks for an upgrade, and returns all bytes until the server ends the connection. */
  async function upgrade(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { hostname, port, host } = new URL(server.url);
    const lines = Object.entries({ host, ...HANDSHAKE, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const socket = connect(Number(port), hostname);
    // The server does not read these further bytes, which must not cost the client its answer.
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\nand more`);
    return text(socket);
  }

  /** Asserts that an answer is an ordinary error of the API. */
  function expectRefused(answer: string, status: number, code: string): void {
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head.toLowerCase()).toContain('connection: close');
    const [, id = ''] = /^x-request-id: (.*)$/im.exec(head) ?? [];
    // The answer to a HEAD request has no body.
    if (body === '') return;
    expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code, requestId: id } }] });
    expect(body).not.toMatch(LEAK);
  }

  const paths = [
    '/',
    '/healthz',
    '/readyz',
    '/metrics',
    '/lives',
    '/nowhere',
    '/graphql/',
    '/assets/',
  ];

  test.each(paths)(
    'to %s is refused as an unknown address, and ends the connection',
    async (path) => {
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT']) {
        const logged = server.logs.length;
        expectRefused(await upgrade(method, `${path}?token=a-secret`), 404, 'NOT_FOUND');
        expect(JSON.stringify(server.logs.slice(logged))).not.toContain('a-secret');
      }
    },
  );

  test.each<[string, string, Record<string, string>]>([
    ['by POST', 'POST', {}],
    ['by POST, with a body that does not come', 'POST', { 'content-length': '100' }],
    ['by HEAD', 'HEAD', {}],
    ['by DELETE', 'DELETE', {}],
    ['without a key', 'GET', { 'sec-websocket-key': '' }],
    ['of an unsupported version', 'GET', { 'sec-websocket-version': '7' }],
    ['with nonsense as the protocol', 'GET', { 'sec-websocket-protocol': 'a,,b' }],
  ])('that is invalid, %s, is refused, and ends the connection', async (_how, method, headers) => {
    expectRefused(await upgrade(method, '/graphql?token=a-secret', headers), 400, 'BAD_REQUEST');
    expect(JSON.stringify(server.logs)).not.toContain('a-secret');
  });

  test('from a foreign origin is refused, and ends the connection', async () => {
    const headers = { origin: 'https://foreign.example' };
    for (const path of ['/graphql', '/']) {
      expectRefused(await upgrade('GET', path, headers), 403, 'FORBIDDEN');
    }
  });

  test.each(['text/html', 'text/event-stream'])(
    'to /graphql is accepted with any Accept header: %s',
    async (accept) => {
      const url = `${server.url.replace('http', 'ws')}/graphql`;
      const socket = new WebSocket(url, 'graphql-transport-ws', { headers: { accept } });
      sockets.push(socket);
      await once(socket, 'open');
      say(socket, { type: 'connection_init' });
      const said = listenTo(socket);
      await until(() => said.length > 0);
      expect(said).toEqual([{ type: 'connection_ack' }]);
    },
  );
});
