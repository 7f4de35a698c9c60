/**
 * Traces, as a collector receives them. The server runs by its start command in a process of its own, because the
 * instrumentations must load before everything else.
 */
import { REPLAN } from 'persistent-machine/database/Database';
import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestDatabase, createTestDatabase } from '../harness';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { Bystanders } from '../api/Bystanders';
import { JSON_BODY, dataOf, send } from '../api/client';
import { livingIn } from '../api/lives';

jest.setTimeout(60_000);

/** Every private value in the requests of these tests contains this. */
const CANARY = 'canary';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** A collector that keeps everything it receives, word by word. */
class Collector {
  readonly bodies: string[] = [];
  readonly paths = new Set<string>();
  readonly #server: Server;

  private constructor(answer: (response: ServerResponse) => unknown) {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        this.paths.add(`${String(request.method)} ${String(request.url)}`);
        this.bodies.push(body);
        answer(response);
      });
    });
  }

  static async start(answer: (response: ServerResponse) => unknown): Promise<Collector> {
    const collector = new Collector(answer);
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get url(): string {
    // A server that listens on a port has an address with it.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get spans(): Span[] {
    return this.bodies.flatMap((body) =>
      // The JSON of OTLP.
      (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans),
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

let database: TestDatabase;
/** Stops what a test has started, the last one first. */
let cleanUps: (() => Promise<unknown>)[];

beforeEach(async () => {
  cleanUps = [];
  database = await createTestDatabase();
  cleanUps.push(() => database.drop());
});

afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

async function start(environment: Record<string, string>): Promise<ServerProcess> {
  const started = await startProcess({
    DATABASE_URL: database.url,
    LOG_LEVEL: 'trace',
    ...environment,
  });
  cleanUps.push(() => started.stop());
  return started;
}

async function startCollector(
  answer = (response: ServerResponse): unknown =>
    response.setHeader('content-type', 'application/json').end('{}'),
): Promise<Collector> {
  const collector = await Collector.start(answer);
  cleanUps.push(() => collector.stop());
  return collector;
}

/**
 * Sends each on a connection of its own while the process is suspended, so that the server reads all of them in one
 * turn of its event loop.
 */
async function sendAtOnce(running: ServerProcess, query: string, count: number): Promise<void> {
  const { hostname, port } = new URL(serverOf(running).url);
  const body = JSON.stringify({ query });
  const head = `POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`;
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(Number(port), hostname);
      // Once this is answered, the server has accepted the connection.
      socket.write(`GET /healthz HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
      await once(socket, 'data');
      return socket;
    }),
  );
  running.child.kill('SIGSTOP');
  await Promise.all(
    sockets.map(
      async (socket) =>
        new Promise((resolve) => {
          socket.write(head + body, resolve);
        }),
    ),
  );
  running.child.kill('SIGCONT');
  for (const answer of await Promise.all(sockets.map(async (socket) => text(socket)))) {
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  }
}

const attributeOf = ({ attributes }: Span, name: string): unknown =>
  attributes.find(({ key }) => key === name)?.value.stringValue;

test('a birth is one trace from HTTP to the database, without any content of the request', async () => {
  const collector = await startCollector();
  const running = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` });
  const server = serverOf(running);
  const bystanders = await Bystanders.of({
    ...server,
    database,
    logs: [],
    stop: () => running.stop(),
  });
  cleanUps.push(() => bystanders.leave());

  const id = await livingIn(server, 'Gestating');
  const birth = await send(server, {
    path: `/graphql?${CANARY}=${CANARY}`,
    headers: {
      ...JSON_BODY,
      authorization: `Bearer ${CANARY}`,
      'user-agent': CANARY,
      cookie: CANARY,
      'x-forwarded-for': CANARY,
      'x-forwarded-host': CANARY,
    },
    body: JSON.stringify({
      query: `mutation Bear($id: ID!, $key: String) {
        # ${CANARY}
        ${CANARY}: birth(id: $id, idempotencyKey: $key) { ... on Alive { id } }
      }`,
      variables: { id, key: CANARY },
    }),
  });
  expect(birth.body.data).toEqual({ [CANARY]: { id } });

  // Requests that could carry private data elsewhere: in literals, in refusals, or by another transport.
  const asked = (query: string, variables = {}): Promise<unknown> =>
    send(server, { headers: JSON_BODY, body: JSON.stringify({ query, variables }) });
  await asked(`mutation { birth(id: "${id}", idempotencyKey: "${CANARY}") { __typename } }`);
  await asked(`{ life(id: "${CANARY}") { id } }`);
  await asked(`{ ${CANARY} }`);
  await asked(`{ life(id: ${CANARY}) { id } }`);
  await asked(`{ "${CANARY}`);
  await asked('query ($id: ID!) { life(id: $id) { id } }', { id: CANARY });
  await asked(`query ${'N'.repeat(60)}${CANARY} { __typename }`);
  const query = encodeURIComponent(`{ node(id: "${CANARY}") { id } }`);
  await send(server, { method: 'GET', path: `/graphql?query=${query}` });
  await send(server, { method: 'GET', path: `/${CANARY}` });
  await send(server, { method: 'GET', path: '/healthz' });
  await send(server, { method: 'GET', path: '/metrics' });
  const subscriber = subscribe(
    server,
    'server-sent events',
    `subscription { ${CANARY}: lifeChanged(id: "${id}") { id } }`,
  );
  await subscriber.untilReceived(1);
  await subscriber.stop();

  await bystanders.expectUnchanged();
  await running.stop();
  // At its end the server has exported its last spans.
  expect(await running.ended).toEqual({ code: 0, complaint: '' });
  expect([...collector.paths]).toEqual(['POST /v1/traces']);

  const http = collector.spans.filter(
    (span) => attributeOf(span, 'request.id') === birth.headers['x-request-id'],
  );
  expect(http).toMatchObject([{ name: 'POST /graphql' }]);
  const trace = collector.spans.filter(({ traceId }) => traceId === http[0]?.traceId);
  const names = trace.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['graphql.parse', 'graphql.validate', 'mutation Bear', 'group']),
  );
  const parentOf = (child: Span | undefined): Span | undefined =>
    trace.find(({ spanId }) => spanId === child?.parentSpanId);
  // A connection's plans are made again now and then, whatever it is used for.
  const statements = trace.filter(
    (span) => ![undefined, REPLAN as unknown].includes(attributeOf(span, 'db.query.text')),
  );
  // The server loads the life, and swaps it.
  expect(statements).toHaveLength(2);
  for (const statement of statements) {
    const group = parentOf(statement);
    expect(group).toMatchObject({ name: 'group' });
    expect(parentOf(group)).toMatchObject({ name: 'mutation Bear' });
    expect(attributeOf(statement, 'db.query.text')).toMatch(/\$1/);
  }

  // Each trace begins with a request, and none is of a probe, metrics or a subscription.
  const roots = collector.spans.filter(({ parentSpanId = '' }) => parentSpanId === '');
  expect(new Set(roots.map(({ name }) => name))).toEqual(
    new Set(['POST /graphql', 'GET /graphql']),
  );
  const followed = roots.map((root) => attributeOf(root, 'request.id'));
  expect(new Set(followed).size).toBe(followed.length);

  // The line in the log has the id of the trace.
  expect(running.logs).toContainEqual(
    expect.objectContaining({
      requestId: birth.headers['x-request-id'],
      msg: 'Request answered',
      traceId: http[0]?.traceId,
    }),
  );

  for (const said of [...collector.bodies, ...running.logs.map((line) => JSON.stringify(line))]) {
    expect(said).not.toContain(CANARY);
    expect(said).not.toContain(id);
  }
});

test('the span of a shared statement is in the trace of the first request, and the other traces link to it', async () => {
  const collector = await startCollector();
  const running = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const count = 20;
  await sendAtOnce(running, 'mutation { conceive { id } }', count);
  await running.stop();

  const { spans } = collector;
  const groups = spans.filter(({ name }) => name === 'group');
  const sizes = groups.map(({ attributes }) =>
    Number(attributes.find(({ key }) => key === 'group.size')?.value.intValue),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
  expect(groups.length).toBeLessThan(count);
  const mutations = spans.filter(({ name }) => name === 'mutation');
  expect(mutations).toHaveLength(count);
  expect(new Set(mutations.map(({ traceId }) => traceId)).size).toBe(count);
  for (const { spanId, traceId, links = [] } of mutations) {
    const own = groups.filter(({ parentSpanId }) => parentSpanId === spanId);
    const linked = groups.filter((group) => links.some((link) => link.spanId === group.spanId));
    expect([...own, ...linked]).toHaveLength(1);
    for (const group of own) expect(group.traceId).toBe(traceId);
    for (const group of linked) expect(group.traceId).not.toBe(traceId);
  }
});

test.each([
  ['cannot be reached', undefined],
  ['never answers', () => undefined],
  ['refuses', (response: ServerResponse) => response.writeHead(400).end(CANARY)],
  ['is too busy', (response: ServerResponse) => response.writeHead(503).end(CANARY)],
])('a collector that %s delays no request, and is logged once', async (_what, answer) => {
  // No process listens at port 1.
  const url = answer ? (await startCollector(answer)).url : 'http://127.0.0.1:1';
  const running = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, LOG_LEVEL: 'info' });
  const server = serverOf(running);
  const warnings = (): unknown[] =>
    running.logs.filter(({ msg }) => msg === 'Traces cannot be exported');
  const askOnce = (): Promise<unknown> => dataOf(server, '{ census { total } }');
  while (warnings().length === 0) await askOnce();
  // Several more batches. The test would time out if the server waited two seconds for each.
  for (let number = 0; number < 200; number += 1) await askOnce();

  await running.stop();
  expect(await running.ended).toEqual({ code: 0, complaint: '' });
  expect(warnings()).toEqual([expect.objectContaining({ level: 40, reason: expect.any(String) })]);
  expect(JSON.stringify(running.logs)).not.toContain(CANARY);
});

test('without an endpoint for traces, the server does not load OpenTelemetry', async () => {
  const program = `
    import { createRequire } from 'node:module';
    const { cache } = createRequire('file:///');
    process.on('exit', () => process.stderr.write(Object.keys(cache).join('\\n')));`;
  const running = await start({
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}`,
  });
  await dataOf(serverOf(running), '{ census { total } }');
  await running.stop();
  const loaded = (await running.ended).complaint.split('\n');
  expect(loaded.filter((path) => path.includes('/node_modules/fastify/'))).not.toEqual([]);
  // prom-client loads OpenTelemetry's API, which does nothing by itself.
  expect(loaded.filter((path) => /opentelemetry\/(?!api\/)|in-the-middle/.test(path))).toEqual([]);
});
