/**
 * A server with a small heap, and clients that send on their sockets more than they read. The server still answers
 * others. It runs in a process of its own, whose heap has a limit, and which may crash.
 */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';

const SOCKETS = 30;
/** In megabytes. */
const HEAP = 256;
/** This many requests of 90 kB would fill the heap several times over with their answers. */
const PINGS = 200;
const PING = { type: 'ping', payload: { padding: 'x'.repeat(90_000) } };

let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  await server.stop();
});

afterAll(async () => {
  await database.drop();
});

async function start(environment: Record<string, string>): Promise<{ readonly url: string }> {
  const NODE_OPTIONS = `--max-old-space-size=${HEAP}`;
  server = await startProcess({ ...environment, DATABASE_URL: database.url, NODE_OPTIONS });
  return serverOf(server);
}

/** A frame of a client. It is masked with zeros, so that all clients can send the same bytes. */
function frameOf(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(payload.length < 126 ? 6 : 14);
  head[0] = 0x81;
  head[1] = 0x80 | (payload.length < 126 ? payload.length : 127);
  if (payload.length >= 126) head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

/** A WebSocket on the level of bytes, which reads nothing until a test reads. */
async function open({ url }: { readonly url: string }): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(
    [
      'GET /graphql HTTP/1.1',
      `host: ${host}`,
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol: graphql-transport-ws',
      '\r\n',
    ].join('\r\n'),
  );
  await once(socket, 'readable');
  expect(String(socket.read())).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

function flood(socket: Socket): void {
  const ping = frameOf(PING);
  for (let index = 0; index < PINGS; index += 1) socket.write(ping);
}

test('the server disconnects clients that flood it without a token', async () => {
  const { url } = await start({ AUTH: 'jwt', AUTH_JWT_SECRET: 'a secret of the test'.repeat(4) });
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, async () => open({ url })));
  // Not by `once` of Node, which would reject: a socket that is closed while it sends has an error first.
  const ended = sockets.map(
    async (socket) => new Promise((resolve) => socket.resume().once('close', resolve)),
  );
  sockets.forEach(flood);
  await Promise.all(ended);
  expect((await ask({ url }, '{ __typename }')).status).toBe(401);
});

test('the server stops reading from clients that do not read their answers, and they get all of them once they read', async () => {
  const { url } = await start({});
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, async () => open({ url })));
  for (const socket of sockets) socket.write(frameOf({ type: 'connection_init' }));
  await Promise.all(sockets.map(async (socket) => once(socket, 'readable')));
  sockets.forEach(flood);
  for (let others = 0; others < 50; others += 1) {
    expect((await ask({ url }, '{ census { total } }')).data).toEqual({ census: { total: 0 } });
  }
  const answers = SOCKETS * PINGS * Buffer.byteLength(JSON.stringify({ ...PING, type: 'pong' }));
  let read = 0;
  await new Promise<void>((resolve, reject) => {
    for (const socket of sockets) {
      socket.on('data', (piece: Buffer) => {
        read += piece.length;
        if (read >= answers) resolve();
      });
      socket.once('close', () => {
        reject(new Error('A socket was closed before it had its answers.'));
      });
    }
  });
  for (const socket of sockets) socket.destroy();
});
