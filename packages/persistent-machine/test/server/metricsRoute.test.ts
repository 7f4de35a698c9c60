/**
 * Tests many scrapes at once, and readings that fail, over HTTP. The test holds back the slow reading of the metrics.
 */
import fastify, { type FastifyInstance } from 'fastify';
import { type MachineReadings, Metrics, type Readings } from 'persistent-machine/metrics';
import { metricsRoute } from 'persistent-machine/server/metricsRoute';

let server: FastifyInstance;
/** How many scrapes have come, and a callback for the next one. */
let arrived: number;
let onArrival: () => void;
/** How often the database was asked, and a function by which the test answers. */
let asked: number;
let answer: (size: number) => void;

const DOORS: MachineReadings = {
  name: 'Door',
  queues: () => ({ swap: 1 }),
  subscribers: () => 4,
  feedLag: () => 5,
  ledgerSize: async () => {
    asked += 1;
    return new Promise<number>((resolve) => {
      answer = resolve;
    });
  },
};

const READINGS: Readings = {
  machines: [DOORS],
  connections: () => ({ total: 3, idle: 2, waiting: 0 }),
};

beforeEach(() => {
  [arrived, asked] = [0, 0];
  onArrival = () => undefined;
  server = fastify();
  server.addHook('onRequest', (_request, _reply, done) => {
    done();
    arrived += 1;
    onArrival();
  });
});

afterEach(async () => {
  await server.close();
});

async function serve(readings: Readings, mostScrapes?: number): Promise<string> {
  const metrics = new Metrics();
  metrics.read(readings);
  metricsRoute(server, metrics, undefined, mostScrapes);
  return `${await server.listen({ port: 0 })}/metrics`;
}

async function untilArrived(number: number): Promise<void> {
  await new Promise<void>((resolve) => {
    onArrival = () => {
      if (arrived >= number) resolve();
    };
    onArrival();
  });
}

const scrape = async (url: string, number: number): Promise<Response[]> =>
  Promise.all(Array.from({ length: number }, async () => fetch(url)));

test('two hundred scrapes at once ask the database twice in all, and once at a time', async () => {
  const url = await serve(READINGS);
  const first = fetch(url);
  await untilArrived(1);
  const others = scrape(url, 199);
  await untilArrived(200);
  expect(asked).toBe(1);
  answer(100);
  expect(await (await first).text()).toMatch(/^ledger_size_bytes\{machine="Door"\} 100$/m);
  // Scrapes that came meanwhile get a value that was read after they came.
  expect(asked).toBe(2);
  answer(200);
  for (const response of await others) {
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^ledger_size_bytes\{machine="Door"\} 200$/m);
  }
  expect(asked).toBe(2);
  const later = fetch(url);
  await untilArrived(201);
  expect(asked).toBe(3);
  answer(300);
  expect(await (await later).text()).toMatch(/^ledger_size_bytes\{machine="Door"\} 300$/m);
});

test('scrapes beyond the limit are refused, and the waiting ones are answered', async () => {
  const url = await serve(READINGS, 3);
  const waiting = scrape(url, 3);
  await untilArrived(3);
  for (const { status, headers } of await scrape(url, 5)) {
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
  }
  answer(1);
  while (asked < 2) await new Promise(setImmediate);
  answer(2);
  expect((await waiting).map(({ status }) => status)).toEqual([200, 200, 200]);
});

test('a failing reading is left out and counted, and fails neither this scrape nor the next one', async () => {
  const fail = (): never => {
    throw new Error('This cannot be read.');
  };
  const url = await serve({
    machines: [{ ...DOORS, queues: fail, ledgerSize: fail }],
    connections: fail,
  });
  for (const round of [1, 2, 3]) {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).not.toMatch(/^(?:# HELP )?(?:lane_queue_length|database_connections)/m);
    expect(text).toMatch(/^feed_subscribers\{machine="Door"\} 4$/m);
    expect(text).toMatch(/^database_up 0$/m);
    expect(text).toMatch(/^ledger_size_bytes\{machine="Door"\} Nan$/im);
    const failed = /^metrics_failed_readings_total\{metric="lane_queue_length"\} (\d+)$/m;
    expect(Number(failed.exec(text)?.[1] ?? 0)).toBeGreaterThanOrEqual(round - 1);
  }
});
