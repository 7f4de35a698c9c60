/**
 * The server over HTTP: the audit of the GraphQL-over-HTTP specification, the probes of a load balancer, upgrades, and
 * a shutdown.
 */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { serverAudits } from 'graphql-http';
import { Client } from 'pg';
import { type TestServer, startServer } from '../harness';
import { lockLedger } from '../harness/partition';
import { isCitus } from '../harness/topology';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { Bystanders } from './Bystanders';
import { dataOf, send } from './client';
import { livingIn } from './lives';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

test('every audit of GraphQL over HTTP passes, also those that are only recommendations', async () => {
  const audits = serverAudits({ url: `${server.url}/graphql`, fetchFn: fetch });
  expect(audits.length).toBeGreaterThan(50);
  const results = await Promise.all(audits.map(async ({ fn }) => fn()));
  const failed = results.flatMap((result) =>
    result.status === 'error' || result.status === 'warn'
      ? [`${result.id} ${result.name}: ${result.reason}`]
      : [],
  );
  expect(failed).toEqual([]);
});

test('a load balancer learns that the process is alive and ready', async () => {
  for (const method of ['GET', 'HEAD']) {
    expect((await send(server, { method, path: '/healthz' })).status).toBe(200);
    expect((await send(server, { method, path: '/readyz' })).status).toBe(200);
  }
});

test('a client that has ended its side of the connection is still answered', async () => {
  const { hostname, port, host } = new URL(server.url);
  const askAndEnd = async (contentType: string, query: string): Promise<string> => {
    const body = JSON.stringify({ query });
    const head = `host: ${host}\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\n`;
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.end(`POST /graphql HTTP/1.1\r\n${head}\r\n${body}`);
    return text(socket);
  };
  expect(await askAndEnd('application/json', '{ __typename }')).toContain('"Query"');
  expect(await askAndEnd('application/json', '{ census { total } }')).toContain('"total":');
  expect(await askAndEnd('text/plain', '{ __typename }')).toMatch(/^HTTP\/1\.1 4\d\d /);
});

describe('an upgrade that a client pipelines behind an unanswered request is answered', () => {
  const UPGRADE = 'GET /graphql HTTP/1.1\r\nconnection: Upgrade\r\n';
  const WEBSOCKET = `${UPGRADE}upgrade: websocket\r\nsec-websocket-version: 13\r\n`;
  const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const unanswered = [
    ['a query', 'content-length: 24\r\n', '{"query":"{__typename}"}', 200],
    ['a request whose head is refused', 'expect: nonsense\r\n', '', 417],
  ] as const;
  const upgrades = [
    ['to a WebSocket', WEBSOCKET + KEY],
    ['to an invalid WebSocket', WEBSOCKET],
    ['to another protocol', `${UPGRADE}upgrade: h2c\r\n`],
  ] as const;

  for (const [first, headers, body, status] of unanswered) {
    test.each(upgrades)(
      `behind ${first}, %s, ends the connection after its answer`,
      async (_to, upgrade) => {
        const { hostname, port, host } = new URL(server.url);
        const ask = `POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\n${headers}`;
        const socket = connect(Number(port), hostname);
        // In one piece, so that the server has both before it answers either. Twice, because answers wait for one
        // another.
        socket.write(
          `${`${ask}host: ${host}\r\n\r\n${body}`.repeat(2)}${upgrade}host: ${host}\r\n\r\n`,
        );
        const answers = (await text(socket)).matchAll(/HTTP\/1\.1 (\d+) /g);
        expect([...answers].map(([, code]) => Number(code))).toEqual([status, status]);
      },
    );
  }

  test('and leaves nothing behind if its client goes meanwhile', async () => {
    const leaving = await startServer();
    let held: HeldBirth | undefined;
    try {
      const bystanders = await Bystanders.of(leaving);
      held = await holdBirth(leaving, `${WEBSOCKET}${KEY}`);
      held.socket.resetAndDestroy();
      await held.rival.query('COMMIT');
      const life = `{ life(id: "${held.id}") { __typename } }`;
      for (;;) {
        const found = await dataOf(leaving, life);
        if (found?.life.__typename === 'Alive') break;
      }
      await bystanders.expectUnchanged();
      await bystanders.leave();
    } finally {
      await held?.rival.end();
      // The stop waits for connections.
      await leaving.stop();
    }
  });
});

test('during its shutdown the server is not ready, and answers the requests in flight', async () => {
  const stopping = await startServer();
  let stopped: Promise<void> | undefined;
  let held: HeldBirth | undefined;
  try {
    held = await holdBirth(stopping);
    const { socket, rival } = held;
    // On the connection with the request in flight, the only one that the server still reads.
    stopped = stopping.stop();
    const { host } = new URL(stopping.url);
    socket.write(`GET /readyz HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    const answers = text(socket);
    await rival.query('COMMIT');
    const [born, ready] = (await answers).split(/(?=HTTP\/1\.1 503)/);
    expect(born).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(born).toContain('{"data":{"birth":{"__typename":"Alive"}}}');
    expect(ready).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(ready).toContain('{"status":"not ready"}');
  } finally {
    await held?.rival.end();
    await (stopped ?? stopping.stop());
  }
});

interface HeldBirth {
  readonly id: string;
  /** The connection that asked for the birth. */
  readonly socket: Socket;
  /** The session whose transaction blocks the birth until it ends. */
  readonly rival: Client;
}

/**
 * Asks for a birth that cannot finish.
 *
 * @param behind the head of a request that is sent in one piece with it, without its host and its end
 */
async function holdBirth({ url, database }: TestServer, behind?: string): Promise<HeldBirth> {
  const id = await livingIn({ url }, 'Gestating');
  const rival = new Client({ connectionString: database?.url });
  await rival.connect();
  // A session that holds the ledger's row blocks every commit.
  await rival.query('BEGIN');
  await lockLedger(rival);

  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const body = JSON.stringify({ query: `mutation { birth(id: "${id}") { __typename } }` });
  const head = `host: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  const next = behind === undefined ? '' : `${behind}host: ${host}\r\n\r\n`;
  socket.write(`POST /graphql HTTP/1.1\r\n${head}\r\n${body}${next}`);
  await untilASessionWaits(database?.url);
  return { id, socket, rival };
}

/** Asks the database until a session waits for a lock. */
async function untilASessionWaits(url: string | undefined): Promise<void> {
  const observer = new Client({ connectionString: url });
  await observer.connect();
  await until(async () => {
    const { rows } = await observer.query<{ waiting: boolean }>(
      `SELECT EXISTS (
         SELECT FROM ${isCitus ? 'citus_stat_activity' : 'pg_stat_activity'}
         WHERE datname = current_database() AND wait_event_type = 'Lock'
       ) AS waiting`,
    );
    return rows[0]?.waiting === true;
  });
  await observer.end();
}

test('incomplete requests and idle connections do not delay the shutdown', async () => {
  const stopping = await startServer({ REQUEST_TIMEOUT_MS: '300' });
  const { hostname, port, host } = new URL(stopping.url);
  const head = `POST /graphql HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`;
  const upgrade = 'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n';
  const said = [
    '',
    'POST /graph',
    `${head}content-length: 100\r\n\r\n{"query`,
    `GET /graphql/%E0%A4%A HTTP/1.1\r\nhost: ${host}\r\n${upgrade}\r\n`,
    `GET /graphql HTTP/1.1\r\nhost: ${host}\r\norigin: http://foreign.example\r\n${upgrade}\r\n`,
    // A socket whose client answers nothing, not even the closing handshake.
    `GET /graphql HTTP/1.1\r\nhost: ${host}\r\n${upgrade}sec-websocket-protocol: graphql-transport-ws\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  ];
  const sockets = await Promise.all(
    said.map(async (words) => {
      const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      socket.write(words);
      return socket;
    }),
  );
  // Connections are accepted in order, so the server has them all once it answers this later one.
  expect((await send(stopping, { method: 'GET', path: '/healthz' })).status).toBe(200);
  await stopping.stop();
  for (const socket of sockets) socket.destroy();
});
