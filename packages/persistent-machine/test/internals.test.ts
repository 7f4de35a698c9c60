/**
 * Tests undocumented behaviour of Node and of libraries that the engine relies on. After an update, a failure here
 * names what has changed.
 */
import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client, Pool } from 'pg';
import type { DataSource } from 'typeorm';
import { dataSourceOf } from '../src/database/dataSource';
import {
  answerHalfOpenConnections,
  answerOn,
  bytesTaken,
  cutOff,
  forgetEnvironment,
  onceItHasItsSocket,
  poolOf,
  schemaOf,
  stopListening,
} from '../src/internals';
import { type TestDatabase, createTestDatabase } from './harness/postgres';

const REQUEST = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n';

let server: Server;
let responses: ServerResponse[];
let client: Socket;

/** Sends requests to a server that answers none of them by itself. */
async function send(bytes: string, count: number): Promise<Socket> {
  responses = [];
  const all = new Promise<void>((resolve) => {
    server.on('request', (_request, response: ServerResponse) => {
      responses.push(response);
      if (responses.length === count) resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.write(bytes);
  await all;
  const [first] = responses;
  if (!first?.socket) throw new Error('The first request has no socket.');
  return first.socket;
}

describe('Node’s HTTP server:', () => {
  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    client.destroy();
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  });

  test('a socket names the answer that it carries, and a queued answer gets its socket when its turn comes', async () => {
    const socket = await send(REQUEST.repeat(2), 2);
    const [first, second] = responses;
    expect(answerOn(socket)).toBe(first);
    expect(second?.socket).toBeNull();
    if (first === undefined || second === undefined) throw new Error('There are two.');
    const itsTurn = new Promise<void>((resolve) => {
      onceItHasItsSocket(second, resolve);
    });
    first.end();
    await itsTurn;
    expect(answerOn(socket)).toBe(second);
    expect(second.socket).toBe(socket);
    second.end();
    await once(second, 'close');
    expect(answerOn(socket)).toBeUndefined();
  });

  test('the server answers a client that has closed its side', async () => {
    answerHalfOpenConnections(server);
    const socket = await send(REQUEST, 1);
    client.end();
    await once(socket, 'end');
    responses[0]?.end('answered');
    expect(await text(client)).toMatch(/answered$/);
  });

  test('bytesTaken counts what a client has received of a chunk that is still being sent', async () => {
    const socket = await send(REQUEST, 1);
    client.pause();
    const size = 30_000_000;
    responses[0]?.end(Buffer.alloc(size));
    await new Promise((resolve) => setImmediate(resolve));
    const taken = bytesTaken(socket);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(size);
    expect(socket.writableLength).toBeGreaterThan(size - 1);
    const arrived = once(client, 'data');
    client.resume();
    await arrived;
    while (bytesTaken(socket) < size) await new Promise((resolve) => setImmediate(resolve));
  });

  test('the server can stop listening, and keep idle connections', async () => {
    const socket = await send(REQUEST, 1);
    responses[0]?.end('first');
    await once(client, 'data');
    stopListening(server);
    expect(server.listening).toBe(false);
    expect(socket.destroyed).toBe(false);
    client.write(REQUEST);
    await once(server, 'request');
    responses[1]?.end('second');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/second$/);
  });
});

describe('the libraries of the database:', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(async () => {
    await database.drop();
  });

  const connected = async (): Promise<DataSource> =>
    dataSourceOf(
      { url: database.url, poolSize: 1, connectTimeout: 10_000 },
      { machines: [], migrations: [] },
    ).initialize();

  test('TypeORM’s DataSource has the pool of node-postgres', async () => {
    const dataSource = await connected();
    try {
      const pool = poolOf(dataSource);
      expect(pool).toBeInstanceOf(Pool);
      expect((await pool.query<object>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    } finally {
      await dataSource.destroy();
    }
  });

  test('TypeORM’s DataSource, connected, knows the schema in which it makes tables', async () => {
    const dataSource = await connected();
    try {
      expect(schemaOf(dataSource)).toBe('public');
    } finally {
      await dataSource.destroy();
    }
  });

  test('forgetEnvironment makes a client ignore the environment', async () => {
    const { PGOPTIONS, PGPASSWORD } = process.env;
    process.env['PGOPTIONS'] = '-c TimeZone=Asia/Tokyo';
    process.env['PGPASSWORD'] = 'of the environment';
    try {
      const url = new URL(database.url);
      const config = { connectionString: url.href };
      const client = new Client(config);
      let isAsked = false;
      forgetEnvironment(client, {}, () => {
        isAsked = true;
        throw new Error('No password.');
      });
      client.on('error', () => undefined);
      // The client forgets the URL's password, too, so PostgreSQL asks for it, unless it trusts the client.
      await client.connect().then(
        async () => {
          const { rows } = await client.query<object>('SHOW TimeZone');
          expect(rows).not.toEqual([{ TimeZone: 'Asia/Tokyo' }]);
          await client.end();
        },
        (error: unknown) => {
          expect(isAsked).toBe(true);
          expect(String(error)).toContain('No password.');
          cutOff(client);
        },
      );
    } finally {
      for (const [name, value] of Object.entries({ PGOPTIONS, PGPASSWORD })) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    }
  });

  test('cutOff ends a connection of node-postgres without waiting for PostgreSQL', async () => {
    const observer = new Client({ connectionString: database.url });
    const cut = new Client({ connectionString: database.url });
    cut.on('error', () => undefined);
    await Promise.all([observer.connect(), cut.connect()]);
    try {
      // Not `once` of node:events, which an error rejects.
      const ended = new Promise((resolve) => cut.once('end', resolve));
      cutOff(cut);
      await ended;
      // The database cannot be dropped until PostgreSQL has noticed.
      for (;;) {
        const { rows } = await observer.query<object>(
          'SELECT FROM pg_stat_activity WHERE datname = current_database()',
        );
        if (rows.length === 1) break;
      }
    } finally {
      await observer.end();
    }
  });
});
