/**
 * Clients that leave at the wrong moment, or pipeline more requests than one connection can answer. The server keeps
 * none of their subscriptions.
 */
import { once } from 'node:events';
import { Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import WebSocket from 'ws';
import { type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { send } from './client';
import { livingIn } from './lives';

let server: TestServer;
let owner: Client;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
  owner = new Client({ connectionString: server.database?.url });
  await owner.connect();
});

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  try {
    await bystanders.leave();
    await owner.end();
  } finally {
    await server.stop();
  }
});

const follow = (id: string): string => `subscription { lifeChanged(id: "${id}") { version } }`;

/** The request for an event stream. */
function requestFor(query: string): string {
  const { host } = new URL(server.url);
  const path = `/graphql?query=${encodeURIComponent(query)}`;
  return `GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`;
}

async function connection(): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

async function subscribers(): Promise<number> {
  const { text: metrics } = await send(server, { method: 'GET', path: '/metrics' });
  return Number(/^feed_subscribers\{machine="Life"\} (\d+)$/m.exec(metrics)?.[1]);
}

/** The server's end of a connection. Node has no other way to find it. */
function serverEndOf({ localPort }: Socket): Socket | undefined {
  const handles = Reflect.apply(
    Reflect.get(process, '_getActiveHandles') as () => object[],
    process,
    [],
  );
  return handles.find(
    (handle): handle is Socket => handle instanceof Socket && handle.remotePort === localPort,
  );
}

/** Delays the beginning of every subscription, and acts once one waits. */
async function whileNoneBegins(ask: () => void, meanwhile: () => Promise<void>): Promise<void> {
  await owner.query('BEGIN');
  try {
    await owner.query('LOCK TABLE ledger');
    ask();
    await until(async () => {
      const { rows } = await owner.query<{ waiting: boolean }>(
        'SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS waiting',
      );
      return rows[0]?.waiting === true;
    });
    await meanwhile();
  } finally {
    await owner.query('ROLLBACK');
  }
}

describe('the server keeps no subscription of a client that leaves while the subscription begins,', () => {
  afterEach(async () => {
    // A later subscription gets its first result. The earlier one has begun by then.
    const id = await livingIn(server, 'Gestating');
    const later = await connection();
    later.write(requestFor(follow(id)));
    await until(() => String(later.read() ?? '').includes('"version":1'));
    await until(async () => (await subscribers()) === 1);
    later.destroy();
    await until(async () => (await subscribers()) === 0);
  });

  test('and has closed its side of an event stream', async () => {
    const id = await livingIn(server, 'Gestating');
    const socket = await connection();
    const told = text(socket);
    await whileNoneBegins(
      () => socket.end(requestFor(follow(id))),
      async () => until(() => serverEndOf(socket)?.readableEnded === true),
    );
    expect(await told).toBe('');
  });

  test('and resets its event stream', async () => {
    const id = await livingIn(server, 'Gestating');
    const socket = await connection();
    await whileNoneBegins(
      () => socket.write(requestFor(follow(id))),
      async () => {
        const end = serverEndOf(socket);
        socket.resetAndDestroy();
        await until(() => end?.destroyed === true);
      },
    );
  });

  test('and resets its socket', async () => {
    const id = await livingIn(server, 'Gestating');
    const url = `${server.url.replace('http', 'ws')}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    await whileNoneBegins(
      () => {
        const payload = { query: follow(id) };
        socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload }));
      },
      async () => {
        socket.terminate();
        await once(socket, 'close');
      },
    );
  });
});

describe('event streams that a client pipelines on one connection', () => {
  test('begin one after the other, and end with their client', async () => {
    const id = await livingIn(server, 'Gestating');
    const socket = await connection();
    socket.write(requestFor(follow(id)).repeat(20));
    await until(() => String(socket.read() ?? '').includes('"version":1'));
    expect(await subscribers()).toBe(1);
    socket.resetAndDestroy();
    await until(async () => (await subscribers()) === 0);
  });

  test('are each answered after the one before has ended', async () => {
    const id = await livingIn(server, 'Dead');
    const socket = await connection();
    let told = '';
    socket.on('data', (piece: Buffer) => (told += piece.toString()));
    socket.write(requestFor(follow(id)).repeat(2));
    await until(() => told.split('event: complete').length > 2);
    socket.destroy();
    expect(told.split(/(?=HTTP\/1\.1 200 )/)).toHaveLength(2);
  });
});
