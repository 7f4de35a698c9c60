/** What Prometheus is told: that what happened is counted, and that nothing of what was asked is in it. */
import { type TestServer, startServer } from '../harness';
import { subscribe } from '../harness/subscriber';
import { ask, dataOf, send } from './client';
import { livingIn } from './lives';

let server: TestServer;

beforeEach(async () => {
  server = await startServer();
});

afterEach(async () => {
  await server.stop();
});

async function metrics(): Promise<Map<string, number>> {
  const { status, headers, text } = await send(server, { method: 'GET', path: '/metrics' });
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=/);
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(0, end), Number(line.slice(end + 1))];
      }),
  );
}

test('requests, transitions and groups are counted, with what became of them', async () => {
  const id = await livingIn(server, 'Alive');
  await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
  const keyed = 'mutation ($id: ID!) { die(id: $id, idempotencyKey: "once") { __typename } }';
  await dataOf(server, keyed, { id });
  await dataOf(server, keyed, { id });
  await ask(server, '{ nothing }');
  const counted = await metrics();
  expect(counted.get('graphql_requests_total{operation="mutation",code="OK"}')).toBe(5);
  expect(
    counted.get('graphql_requests_total{operation="none",code="GRAPHQL_VALIDATION_FAILED"}'),
  ).toBe(1);
  expect(counted.get('machine_transitions_total{event="Conception",outcome="applied"}')).toBe(1);
  expect(counted.get('machine_transitions_total{event="Birth",outcome="applied"}')).toBe(1);
  expect(counted.get('machine_transitions_total{event="Birth",outcome="refused"}')).toBe(1);
  expect(counted.get('machine_transitions_total{event="Death",outcome="applied"}')).toBe(1);
  expect(counted.get('machine_transitions_total{event="Death",outcome="replayed"}')).toBe(1);
  expect(counted.get('lane_group_size_count{lane="swap"}')).toBe(2);
  expect(counted.get('lane_group_size_sum{lane="begin"}')).toBe(1);
  expect(counted.get('lane_queue_length{lane="swap"}')).toBe(0);
  expect(counted.get('ledger_size_bytes')).toBeGreaterThan(0);
  expect(counted.get('nodejs_eventloop_lag_seconds')).toBeDefined();
});

test('subscribers and connections are there as long as they are', async () => {
  const subscriber = subscribe(
    server,
    'WebSocket',
    'subscription ($id: ID!) { lifeChanged(id: $id) { id } }',
    { id: await livingIn(server, 'Gestating') },
  );
  await subscriber.untilReceived(1);
  const during = await metrics();
  expect(during.get('feed_subscribers')).toBe(1);
  expect(during.get('feed_lag_seconds')).toBeGreaterThanOrEqual(0);
  expect(during.get('database_connections{state="idle"}')).toBeGreaterThan(0);
  await subscriber.stop();
  for (;;) if ((await metrics()).get('feed_subscribers') === 0) break;
});

test('nothing of what was asked is told', async () => {
  const id = await livingIn(server, 'Gestating');
  await ask(server, 'query Secret($id: ID!) { life(id: $id) { id } }', { id });
  const { text } = await send(server, { method: 'GET', path: '/metrics' });
  expect(text).not.toMatch(/Secret/);
  expect(text).not.toContain(id);
});
