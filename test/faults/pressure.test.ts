/**
 * An event loop that is too slow. The server refuses late requests before it reads them, over each transport, until the
 * event loop keeps up again. It answers probes and metrics, and subscriptions stay open.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type TestServer, startServer } from '../harness';
import { Bystanders } from '../api/Bystanders';
import { JSON_BODY, dataOf, send } from '../api/client';
import { livingIn } from '../api/lives';
import { subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { until } from '../../packages/persistent-machine/test/harness/until';

/** How long a request may take, in milliseconds. */
const REQUEST_TIMEOUT = 1_000;
/** The length of each turn of the event loop: half of a request's time is over before the server reads it. */
const TURN = 600;
/**
 * The kernel makes a connection in one turn, the server accepts it in the next, and reads its request in a later one.
 */
const TURNS = 8;

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await startServer({ REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT) });
  bystanders = await Bystanders.of(server);
});

afterAll(async () => {
  await bystanders.leave();
  await server.stop();
});

/** Keeps the event loop of this process busy, in which the server runs. */
async function keepBusy(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const end = performance.now() + TURN;
    while (performance.now() < end);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** @returns the status with which a WebSocket is refused; 101 if it is accepted */
async function upgrade(): Promise<number | undefined> {
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/graphql`,
    'graphql-transport-ws',
  );
  const opened = once(socket, 'open').then(() => 101);
  const refused = once(socket, 'unexpected-response').then(
    // This is the type of ws for that event.
    ([, response]) => (response as IncomingMessage).statusCode,
  );
  // If the server refuses it, the socket closes while it opens.
  socket.on('error', () => undefined);
  opened.catch(() => undefined);
  const status = await Promise.race([opened, refused]);
  socket.terminate();
  return status;
}

const STREAM = {
  method: 'GET',
  path: `/graphql?query=${encodeURIComponent('subscription { transitions { cursor } }')}`,
  headers: { accept: 'text/event-stream' },
};

test('a request that the event loop reaches too late is refused before the server reads it, until the loop keeps up', async () => {
  const id = await livingIn(server, 'Gestating');
  const subscriber = subscribe(
    server,
    'WebSocket',
    'subscription ($id: ID!) { lifeChanged(id: $id) { phase } }',
    { id },
  );
  await subscriber.untilReceived(1);

  const open = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    lazy: false,
  });
  await new Promise((resolve) => open.on('connected', resolve));
  /** @returns the error of a subscription over the socket that is already open */
  const subscribeToo = async (): Promise<unknown> =>
    new Promise((resolve) => {
      open.subscribe(
        { query: 'subscription { transitions { cursor } }' },
        { next: () => undefined, error: resolve, complete: () => undefined },
      );
    });

  const notEvenJson = { headers: JSON_BODY, body: 'not even JSON' };
  const probes = ['/healthz', '/readyz', '/metrics'];
  const [answer, stream, socket, subscription, ...probed] = await Promise.all([
    send(server, notEvenJson),
    send(server, STREAM),
    upgrade(),
    subscribeToo(),
    ...probes.map(async (path) => (await fetch(`${server.url}${path}`)).status),
    keepBusy(),
  ]);
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('1');
  expect(answer.body.errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
  expect(stream.status).toBe(503);
  expect(socket).toBe(503);
  expect(subscription).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
  expect(probed.slice(0, probes.length)).toEqual([200, 200, 200]);
  const metrics = await fetch(`${server.url}/metrics`);
  expect(await metrics.text()).toMatch(/operation="none",code="OVERLOADED"} 4$/m);

  await until(async () => (await send(server, notEvenJson)).status === 400);
  expect(await upgrade()).toBe(101);
  await dataOf(server, 'mutation ($id: ID!) { die(id: $id) { __typename } }', { id });
  await subscriber.untilReceived(2);
  expect(subscriber.results.at(-1)).toEqual({ data: { lifeChanged: { phase: 'DEAD' } } });
  await subscriber.stop();
  await open.dispose();
  await bystanders.expectUnchanged();
});
