/** The server as one of HTTP: GraphQL by the specification's own audit, and what a load balancer asks. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { serverAudits } from 'graphql-http';
import { Client } from 'pg';
import { type TestServer, startServer } from '../harness';
import { dataOf, send } from './client';
import { livingIn } from './lives';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

test('every audit of GraphQL over HTTP is passed, those that only advise included', async () => {
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

test('a load balancer is told that the process is alive and ready', async () => {
  for (const method of ['GET', 'HEAD']) {
    expect((await send(server, { method, path: '/healthz' })).status).toBe(200);
    expect((await send(server, { method, path: '/readyz' })).status).toBe(200);
  }
});

test('who has said that they will send no more is still answered', async () => {
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

describe('an upgrade that comes before the request ahead of it is answered', () => {
  const UPGRADE = 'GET /graphql HTTP/1.1\r\nconnection: Upgrade\r\n';
  const WEBSOCKET = `${UPGRADE}upgrade: websocket\r\nsec-websocket-version: 13\r\n`;
  const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const unanswered = [
    ['a query', 'content-length: 24\r\n', '{"query":"{__typename}"}', 200],
    ['what is refused by its head', 'expect: nonsense\r\n', '', 417],
  ] as const;
  const upgrades = [
    ['to a WebSocket', WEBSOCKET + KEY],
    ['to a WebSocket, which is not right', WEBSOCKET],
    ['to another protocol', `${UPGRADE}upgrade: h2c\r\n`],
  ] as const;

  for (const [first, headers, body, status] of unanswered) {
    test.each(upgrades)(
      `behind ${first}, %s, ends the connection after it`,
      async (_to, upgrade) => {
        const { hostname, port, host } = new URL(server.url);
        const ask = `POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\n${headers}`;
        const socket = connect(Number(port), hostname);
        // In one piece, so that all is there before anything is answered; twice, since answers wait for one another.
        socket.write(
          `${`${ask}host: ${host}\r\n\r\n${body}`.repeat(2)}${upgrade}host: ${host}\r\n\r\n`,
        );
        const answers = (await text(socket)).matchAll(/HTTP\/1\.1 (\d+) /g);
        expect([...answers].map(([, code]) => Number(code))).toEqual([status, status]);
      },
    );
  }

  test('and when its client goes meanwhile, nothing is left of it', async () => {
    const leaving = await startServer();
    const rival = new Client({ connectionString: leaving.database?.url });
    try {
      const id = await livingIn(leaving, 'Gestating');
      await rival.connect();
      await rival.query('BEGIN');
      await rival.query('SELECT FROM ledger FOR UPDATE');
      const { hostname, port, host } = new URL(leaving.url);
      const body = JSON.stringify({ query: `mutation { birth(id: "${id}") { __typename } }` });
      const head = `host: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(`POST /graphql HTTP/1.1\r\n${head}\r\n\r\n${body}`);
      socket.write(`${WEBSOCKET}${KEY}host: ${host}\r\n\r\n`);
      await untilSomebodyWaits(rival);
      socket.resetAndDestroy();
      await rival.query('COMMIT');
      const life = `{ life(id: "${id}") { __typename } }`;
      for (;;) {
        const found = await dataOf(leaving, life);
        if (found?.life.__typename === 'Alive') break;
      }
    } finally {
      await rival.end();
      // Which waits for connections.
      await leaving.stop();
    }
  });
});

test('once it is told to stop it is not ready, and ends what is in flight', async () => {
  const stopping = await startServer();
  let stopped: Promise<void> | undefined;
  const rival = new Client({ connectionString: stopping.database?.url });
  try {
    const id = await livingIn(stopping, 'Gestating');
    await rival.connect();
    // Whoever holds the ledger's row lets nobody finish.
    await rival.query('BEGIN');
    await rival.query('SELECT FROM ledger FOR UPDATE');

    const { hostname, port, host } = new URL(stopping.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const body = JSON.stringify({ query: `mutation { birth(id: "${id}") { __typename } }` });
    const head = `host: ${host}\r\ncontent-type: application/json\r\n`;
    socket.write(`POST /graphql HTTP/1.1\r\n${head}content-length: ${body.length}\r\n\r\n${body}`);
    await untilSomebodyWaits(rival);

    // On the connection whose request is in flight, the only one that is still listened to.
    stopped = stopping.stop();
    socket.write(`GET /readyz HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    const answers = text(socket);
    await rival.query('COMMIT');
    const [born, ready] = (await answers).split(/(?=HTTP\/1\.1 503)/);
    expect(born).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(born).toContain('{"data":{"birth":{"__typename":"Alive"}}}');
    expect(ready).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(ready).toContain('{"status":"not ready"}');
  } finally {
    await rival.end();
    await (stopped ?? stopping.stop());
  }
});

/** Waits, by asking the database, until somebody waits for a lock. */
async function untilSomebodyWaits(observer: Client): Promise<void> {
  for (;;) {
    const { rows } = await observer.query<{ waiting: boolean }>(
      `SELECT EXISTS (
         SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'
       ) AS waiting`,
    );
    if (rows[0]?.waiting === true) return;
  }
}

test('what clients leave half said, or unsaid, does not hold up the shutdown', async () => {
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
    // A socket whose client answers nothing, the server's taking leave included.
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
  // They have been heard once somebody who came later is answered.
  expect((await send(stopping, { method: 'GET', path: '/healthz' })).status).toBe(200);
  await stopping.stop();
  for (const socket of sockets) socket.destroy();
});
