/**
 * An event loop that does not keep up: new requests are refused at the door until it does; whoever looks after the
 * server gets in, and who is subscribed stays so.
 */
import { type TestServer, startServer } from '../harness';
import { Bystanders } from '../api/Bystanders';
import { JSON_BODY, dataOf, send } from '../api/client';
import { livingIn } from '../api/lives';
import { subscribe } from '../harness/subscriber';
import { until } from './Scene';

/** How long each turn of the event loop takes, in milliseconds: more than the door puts up with. */
const TURN = 700;
/** So many that no other turn is in the second over which the door takes its average. */
const TURNS = 5;

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
});

afterAll(async () => {
  await bystanders.leave();
  await server.stop();
});

/** Keeps the event loop busy, in this process, of which the server is a part. */
async function keepBusy(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const end = performance.now() + TURN;
    while (performance.now() < end);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('who comes while the event loop is late is refused before anything is read, until it is not', async () => {
  const id = await livingIn(server, 'Gestating');
  const subscriber = subscribe(
    server,
    'WebSocket',
    'subscription ($id: ID!) { lifeChanged(id: $id) { phase } }',
    { id },
  );
  await subscriber.untilReceived(1);

  await keepBusy();
  const { status, headers, body } = await send(server, {
    headers: JSON_BODY,
    body: 'not even JSON',
  });
  expect(status).toBe(503);
  expect(headers['retry-after']).toBe('1');
  expect(body.errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
  const stream = await send(server, {
    method: 'GET',
    path: `/graphql?query=${encodeURIComponent('subscription { transitions { cursor } }')}`,
    headers: { accept: 'text/event-stream' },
  });
  expect(stream.status).toBe(503);
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    const answer = await fetch(`${server.url}${path}`);
    expect(answer.status).toBe(200);
    if (path === '/metrics') {
      expect(await answer.text()).toMatch(/operation="none",code="OVERLOADED"} 2$/m);
    }
  }

  await until(
    async () => (await send(server, { headers: JSON_BODY, body: 'not even JSON' })).status === 400,
  );
  await dataOf(server, 'mutation ($id: ID!) { die(id: $id) { __typename } }', { id });
  await subscriber.untilReceived(2);
  expect(subscriber.results.at(-1)).toEqual({ data: { lifeChanged: { phase: 'DEAD' } } });
  await subscriber.stop();
  await bystanders.expectUnchanged();
});
