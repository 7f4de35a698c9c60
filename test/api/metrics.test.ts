/** The metrics for Prometheus: the server counts what happens, and shows no content of a request. */
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import { type TestServer, startServer } from '../harness';
import { Proxy } from '../harness/proxy';
import { TRANSPORTS, subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { JSON_BODY, ask, dataOf, send } from './client';
import { livingIn } from './lives';

let server: TestServer;

async function metrics(): Promise<Map<string, number>> {
  const { status, headers, text } = await send(server, { method: 'GET', path: '/metrics' });
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=/);
  return new Map(familiesOf(text).flatMap(({ samples }) => [...samples]));
}

/** A metric with its description, in the text format of Prometheus. */
interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly (readonly [sample: string, value: number])[];
}

const FAMILY =
  /^# HELP (\w+) (.+)\n# TYPE (\w+) (counter|gauge|histogram|summary)\n((?:[^#].*\n)*)$/;
const SAMPLE =
  /^((\w+)(?:\{(?:[a-z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+\})?) ([+-]?(?:[\d.]+(?:e[+-]?\d+)?|Inf)|NaN)$/i;

/** Parses an exposition strictly: fails for any line that Prometheus would refuse or could misread. */
function familiesOf(text: string): Family[] {
  return text.split(/\n(?=# HELP)|\n$/).flatMap((part) => {
    if (part === '') return [];
    const [, name = '', help = '', typed, type = '', body = ''] =
      FAMILY.exec(`${part.trimEnd()}\n`) ?? [];
    expect({ part, typed }).toEqual({ part: expect.any(String), typed: name });
    expect(name).not.toBe('');
    const suffix = { histogram: '(_bucket|_sum|_count)', summary: '(_sum|_count)?' }[type] ?? '';
    const samples = body
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [, sample = '', of = '', value = ''] = SAMPLE.exec(line) ?? [];
        expect({ line, of }).toEqual({ line, of: expect.stringMatching(`^${name}${suffix}$`) });
        return [sample, Number(value.replace('Inf', 'Infinity'))] as const;
      });
    return [{ name, type, help, samples }];
  });
}

/** All metrics but those of Node and of the process, which prom-client names, and some of which come and go. */
async function ours(): Promise<Family[]> {
  const { text } = await send(server, { method: 'GET', path: '/metrics' });
  const families = familiesOf(text).filter(({ name }) => !/^(?:process|nodejs)_/.test(name));
  expect(families.length).toBeGreaterThan(10);
  return families;
}

describe('the server counts', () => {
  beforeEach(async () => {
    server = await startServer();
  });

  afterEach(async () => {
    await server.stop();
  });

  test('requests, transitions and groups, with their outcomes', async () => {
    const since = performance.now();
    const id = await livingIn(server, 'Alive');
    await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
    const keyed = 'mutation ($id: ID!) { die(id: $id, idempotencyKey: "once") { __typename } }';
    await dataOf(server, keyed, { id });
    await dataOf(server, keyed, { id });
    await dataOf(server, 'mutation ($id: ID!) { conceive(id: $id) { id } }', { id });
    await ask(server, '{ nothing }');
    const counted = await metrics();
    expect(counted.get('graphql_requests_total{operation="mutation",code="OK"}')).toBe(6);
    expect(
      counted.get('graphql_requests_total{operation="none",code="GRAPHQL_VALIDATION_FAILED"}'),
    ).toBe(1);
    expect(
      counted.get('machine_transitions_total{machine="Life",event="Conception",outcome="applied"}'),
    ).toBe(1);
    expect(
      counted.get(
        'machine_transitions_total{machine="Life",event="Conception",outcome="replayed"}',
      ),
    ).toBe(1);
    expect(
      counted.get('machine_transitions_total{machine="Life",event="Birth",outcome="applied"}'),
    ).toBe(1);
    expect(
      counted.get('machine_transitions_total{machine="Life",event="Birth",outcome="refused"}'),
    ).toBe(1);
    expect(
      counted.get('machine_transitions_total{machine="Life",event="Death",outcome="applied"}'),
    ).toBe(1);
    expect(
      counted.get('machine_transitions_total{machine="Life",event="Death",outcome="replayed"}'),
    ).toBe(1);
    expect(counted.get('lane_group_size_count{machine="Life",lane="swap"}')).toBe(2);
    expect(counted.get('lane_group_size_sum{machine="Life",lane="begin"}')).toBe(2);
    expect(counted.get('lane_queue_length{machine="Life",lane="swap"}')).toBe(0);
    expect(counted.get('ledger_size_bytes{machine="Life"}')).toBeGreaterThan(0);
    expect(counted.get('database_up')).toBe(1);
    expect(counted.get('nodejs_eventloop_lag_seconds')).toBeDefined();
    expect(counted.get('graphql_request_duration_seconds_count{operation="mutation"}')).toBe(6);
    expect(counted.get('graphql_request_duration_seconds_bucket{le="+Inf",operation="none"}')).toBe(
      1,
    );
    const took = counted.get('graphql_request_duration_seconds_sum{operation="mutation"}');
    expect(took).toBeGreaterThan(0);
    // In seconds. The requests ran one after the other.
    expect(took).toBeLessThan((performance.now() - since) / 1_000);
  });

  test('requests that admission refuses by any rule, with their codes', async () => {
    const origin = { ...JSON_BODY, origin: 'https://foreign.example' };
    await send(server, { headers: origin, body: '{}' });
    await send(server, { headers: { ...JSON_BODY, host: 'rebound.example' }, body: '{}' });
    await send(server, { headers: JSON_BODY, body: '{' });
    await send(server, { method: 'GET', path: '/%ff' });
    await send(server, { method: 'GET', path: '/nowhere' });
    const stream = { ...JSON_BODY, accept: 'text/event-stream' };
    await send(server, { headers: stream, body: '{}' });
    const counted = await metrics();
    const countOf = (code: string): unknown =>
      counted.get(`graphql_requests_total{operation="none",code="${code}"}`);
    expect(countOf('FORBIDDEN')).toBe(2);
    expect(countOf('BAD_REQUEST')).toBe(3);
    expect(countOf('NOT_FOUND')).toBe(1);
  });

  test('with AUTH=jwt, requests and sockets without a valid token', async () => {
    const secret = 'a secret of the test'.repeat(4);
    const guarded = await startServer({ AUTH: 'jwt', AUTH_JWT_SECRET: secret });
    try {
      const tokenFor = async (scope: string): Promise<string> =>
        new SignJWT({ scope, sub: 'somebody' })
          .setProtectedHeader({ alg: 'HS256' })
          .setExpirationTime('1h')
          .sign(new TextEncoder().encode(secret));
      const ask = async (query: string, token: string): Promise<unknown> =>
        send(guarded, {
          headers: { ...JSON_BODY, authorization: `Bearer ${token}` },
          body: JSON.stringify({ query }),
        });
      await ask('{ __typename }', 'none');
      await ask('mutation { conceive { id } }', await tokenFor('lives:read'));
      await ask('{ __typename }', await tokenFor('nothing'));
      const subscriber = subscribe(guarded, 'WebSocket', 'subscription { transitions { event } }');
      await subscriber.ended;
      await subscriber.stop();
      const { text } = await send(guarded, {
        method: 'GET',
        path: '/metrics',
        headers: { authorization: `Bearer ${await tokenFor('lives:read')}` },
      });
      const counted = new Map(familiesOf(text).flatMap(({ samples }) => [...samples]));
      expect(counted.get('graphql_requests_total{operation="none",code="UNAUTHENTICATED"}')).toBe(
        2,
      );
      expect(counted.get('graphql_requests_total{operation="mutation",code="FORBIDDEN"}')).toBe(1);
      expect(counted.get('graphql_requests_total{operation="none",code="FORBIDDEN"}')).toBe(1);
    } finally {
      await guarded.stop();
    }
  });

  test('whether the database answers, and when it answers again', async () => {
    if (server.database === undefined) throw new Error('The server has no database of its own.');
    const network = await Proxy.to(server.database.url);
    const cutOff = await startServer({ DATABASE_URL: network.url });
    const lookAgain = async (): Promise<unknown[]> => {
      const { text } = await send(cutOff, { method: 'GET', path: '/metrics' });
      const read = new Map(familiesOf(text).flatMap(({ samples }) => [...samples]));
      return [read.get('database_up'), read.get('ledger_size_bytes{machine="Life"}')];
    };
    try {
      expect(await lookAgain()).toEqual([1, expect.any(Number)]);
      network.refuse();
      expect(await lookAgain()).toEqual([0, NaN]);
      await network.accept();
      while ((await lookAgain())[0] !== 1);
    } finally {
      await cutOff.stop();
      await network.stop();
    }
  });

  test('a transition as failed if its life cannot be read, with and without an idempotency key', async () => {
    const [id, bystander] = [
      await livingIn(server, 'Gestating'),
      await livingIn(server, 'Gestating'),
    ];
    if (server.database === undefined) throw new Error('The server has no database of its own.');
    const network = await Proxy.to(server.database.url);
    let cutOff: TestServer | undefined;
    try {
      cutOff = await startServer({ DATABASE_URL: network.url, REQUEST_TIMEOUT_MS: '1000' });
      network.refuse();
      // In one request, because admission refuses a second one once the database is known to be down.
      const both = `mutation ($id: ID!) {
        birth(id: $id) { __typename }
        die(id: $id, idempotencyKey: "once") { __typename }
      }`;
      const { errors } = await ask(cutOff, both, { id });
      // The first one waits for the database until the deadline, and the second one starts after it.
      const codes = ['DATABASE_UNAVAILABLE', 'OVERLOADED'];
      expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(codes);
      const { text } = await send(cutOff, { method: 'GET', path: '/metrics' });
      const counted = familiesOf(text).find(({ name }) => name === 'machine_transitions_total');
      expect(counted?.samples).toEqual([
        ['machine_transitions_total{machine="Life",event="Birth",outcome="failed"}', 1],
        ['machine_transitions_total{machine="Life",event="Death",outcome="failed"}', 1],
      ]);
    } finally {
      await cutOff?.stop();
      await network.stop();
    }
    for (const unchanged of [id, bystander]) {
      const life = 'query ($id: ID!) { life(id: $id) { phase version } }';
      expect(await dataOf(server, life, { id: unchanged })).toEqual({
        life: { phase: 'GESTATING', version: 1 },
      });
    }
  });

  test('subscribers and connections for as long as they exist', async () => {
    const subscriber = subscribe(
      server,
      'WebSocket',
      'subscription ($id: ID!) { lifeChanged(id: $id) { id } }',
      { id: await livingIn(server, 'Gestating') },
    );
    await subscriber.untilReceived(1);
    const during = await metrics();
    expect(during.get('feed_subscribers{machine="Life"}')).toBe(1);
    expect(during.get('feed_lag_seconds{machine="Life"}')).toBeGreaterThanOrEqual(0);
    expect(during.get('database_connections{state="idle"}')).toBeGreaterThan(0);
    await subscriber.stop();
    for (;;) if ((await metrics()).get('feed_subscribers{machine="Life"}') === 0) break;
  });

  test('subscriptions that it accepts and that it refuses, over each transport', async () => {
    const query = 'subscription ($id: ID!) { lifeChanged(id: $id) { id } }';
    const id = await livingIn(server, 'Dead');
    for (const transport of TRANSPORTS) {
      for (const asked of [id, 'no UUID', '00000000-0000-4000-8000-000000000000']) {
        const subscriber = subscribe(server, transport, query, { id: asked });
        await subscriber.ended;
        await subscriber.stop();
      }
    }
    const counted = await metrics();
    const countOf = (code: string): unknown =>
      counted.get(`graphql_requests_total{operation="subscription",code="${code}"}`);
    expect(['OK', 'BAD_USER_INPUT', 'LIFE_NOT_FOUND'].map(countOf)).toEqual([2, 2, 2]);
    expect(
      [...counted].filter(([sample]) => sample.startsWith('graphql_subscription_errors_total')),
    ).toEqual([]);
  });
});

describe('the exposition', () => {
  beforeAll(async () => {
    server = await startServer();
  });

  afterAll(async () => {
    await server.stop();
  });

  test('has a description for each metric, and names in the style of Prometheus', async () => {
    const families = await ours();
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
    for (const { name, type, help, samples } of families) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(help).not.toBe('');
      expect({ name, counts: name.endsWith('_total') }).toEqual({
        name,
        counts: type === 'counter',
      });
      expect(name).not.toMatch(/_(?:ms|milliseconds|kilobytes)\b/);
      expect(new Set(samples.map(([sample]) => sample)).size).toBe(samples.length);
    }
  });

  test('has exactly the metrics of the table in docs/observability.md', async () => {
    const page = readFileSync('docs/observability.md', 'utf8');
    const [, section = ''] = page.split('## Metrics');
    const [table = ''] = section.split(/^#/m);
    const named = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    const families = await ours();
    expect(named.sort()).toEqual(families.map(({ name }) => name).sort());
  });

  test('has no series that a client can create', async () => {
    const countSeries = async (): Promise<number> =>
      (await ours()).flatMap(({ samples }) => samples).length;
    const probe = async (number: number): Promise<void> => {
      const path = `/path${number}?query=${number}`;
      await send(server, { method: 'GET', path, headers: { 'user-agent': `agent${number}` } });
      await ask(server, `query Name${number} { field${number} }`);
      await ask(server, `query Name${number} { __typename }`);
    };
    await probe(0);
    const before = await countSeries();
    for (let number = 1; number < 20; number += 1) await probe(number);
    expect(await countSeries()).toBe(before);
  });

  test('contains nothing of the requests', async () => {
    const id = await livingIn(server, 'Gestating');
    await ask(server, 'query Secret($id: ID!) { life(id: $id) { id } }', { id });
    const { text } = await send(server, { method: 'GET', path: '/metrics' });
    expect(text).not.toMatch(/Secret/);
    expect(text).not.toContain(id);
  });
});
