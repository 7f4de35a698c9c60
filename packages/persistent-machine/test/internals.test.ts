/**
 * What Node and the libraries do not document, and what we take it for: whoever updates one of them is told here
 * what is no longer so.
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

describe('of Node’s server of HTTP', () => {
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

  test('a socket names the answer that it carries, and an answer learns of its socket once it is its turn', async () => {
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

  test('a client that has closed its side is answered', async () => {
    answerHalfOpenConnections(server);
    const socket = await send(REQUEST, 1);
    client.end();
    await once(socket, 'end');
    responses[0]?.end('answered');
    expect(await text(client)).toMatch(/answered$/);
  });

  test('what a client has taken is known also while a chunk is under way', async () => {
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

  test('it can stop listening, and keep connections on which nothing is asked', async () => {
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

describe('of the database’s libraries', () => {
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

  test('a client forgets what the environment says', async () => {
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
      // The one of the URL is forgotten, too: the server asks, unless it trusts.
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

  test('node-postgres can be cut off from its server without asking it', async () => {
    const observer = new Client({ connectionString: database.url });
    const cut = new Client({ connectionString: database.url });
    cut.on('error', () => undefined);
    await Promise.all([observer.connect(), cut.connect()]);
    try {
      // Not `once` of node:events, which an error ends.
      const ended = new Promise((resolve) => cut.once('end', resolve));
      cutOff(cut);
      await ended;
      // Until PostgreSQL has noticed, the database cannot be dropped.
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
