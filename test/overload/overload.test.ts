/**
 * More load than the server can serve, limited first by the database and then by the server's own processor. The server
 * keeps serving what it can, refuses the rest at once, and recovers afterwards. Every figure is compared with the same
 * server in the same run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { Client } from 'pg';
import { Proxy } from '../harness/proxy';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { problemsOf } from '../faults/integrity';
import type { Load, Outcome } from './generator';

jest.setTimeout(120_000);
// The tests measure speed, and the machine may be busy with something else for a moment.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

/** As many requests as fit into the queue and the group in flight. */
const ROOM = 200;

/** Those, another group, and some that are being refused. */
const OPEN = 450;

/** Conceptions a second. A small machine does several times that, and a server that stalls does not. */
const FLOOR = 300;

const BYSTANDER = `SELECT * FROM lives JOIN life_transitions ON life_id = lives.id WHERE position = 1`;

const MEMORY = 'process_resident_memory_bytes';
const PROCESSOR = 'process_cpu_seconds_total';

const CONCEIVE = 'mutation { conceive { id } }';

let database: TestDatabase;
let network: Proxy;
let server: ServerProcess;
let owner: Client;
let bystander: object[];

beforeEach(async () => {
  database = await createTestDatabase();
  network = await Proxy.to(database.url);
  server = await startProcess({ DATABASE_URL: network.url, MAX_QUEUE: '200' });
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  expect(await latency()).toBeDefined();
  ({ rows: bystander } = await owner.query<object>(BYSTANDER));
  expect(bystander).toHaveLength(1);
});

afterEach(async () => {
  expect((await owner.query<object>(BYSTANDER)).rows).toEqual(bystander);
  await owner.end();
  await server.stop();
  await network.stop();
  await database.drop();
});

/** @param onSent called when the last request is sent, even if some have no answer yet */
async function generate(
  load: Omit<Load, 'url' | 'document'>,
  onSent: () => void = () => undefined,
): Promise<Outcome> {
  const parameters = JSON.stringify({ ...serverOf(server), document: CONCEIVE, ...load });
  const generator: ChildProcess = spawn(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', 'test/overload/generator.ts', parameters],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (generator.stdout === null) throw new Error('The generator has a pipe.');
  let last = '';
  for await (const line of createInterface({ input: generator.stdout })) {
    if (line === 'sent') onSent();
    last = line;
  }
  // The format of the generator.
  return JSON.parse(last) as Outcome;
}

/** @returns one of the server's own metrics */
async function figure(name: string): Promise<number> {
  const response = await fetch(`${serverOf(server).url}/metrics`);
  expect(response.status).toBe(200);
  const [, value] = new RegExp(`^${name} (.*)$`, 'm').exec(await response.text()) ?? [];
  return Number(value);
}

/** @returns the result of `running`, and the highest value that a metric had meanwhile */
async function highestDuring<Result>(
  name: string,
  running: Promise<Result>,
): Promise<{ result: Result; highest: number }> {
  let isOver = false;
  const ended = running.finally(() => {
    isOver = true;
  });
  const watch = async (): Promise<number> => {
    let highest = await figure(name);
    while (!isOver) {
      // Ten readings a second do not load the server.
      await delay(100);
      highest = Math.max(highest, await figure(name));
    }
    return highest;
  };
  const [result, highest] = await Promise.all([ended, watch()]);
  return { result, highest };
}

/** @returns the time of a conception in milliseconds; undefined if it is refused */
async function latency(): Promise<number | undefined> {
  const since = performance.now();
  const { errors } = await ask(serverOf(server), CONCEIVE);
  return errors ? undefined : performance.now() - since;
}

/** Asserts that exactly this many lives exist beside the bystander, and that the tables are consistent. */
async function expectRecorded(accepted: number): Promise<void> {
  const { rows } = await owner.query('SELECT count(*)::integer AS lives FROM lives');
  expect(rows).toEqual([{ lives: accepted + 1 }]);
  expect(await problemsOf(owner)).toEqual([]);
}

test('with the database as the bottleneck, the server keeps its throughput, and refuses the rest at once', async () => {
  network.slow({ bandwidth: 40_000 });
  const peak = await generate({ rate: null, seconds: 5, room: ROOM });
  const before = await figure(MEMORY);
  const { result: overload, highest } = await highestDuring(
    MEMORY,
    generate({ rate: 10 * peak.throughput, seconds: 8, room: 2_000 }),
  );
  const more = highest - before;

  console.log(JSON.stringify({ peak, overload, more }));
  expect([peak.strange, overload.strange]).toEqual([{}, {}]);
  expect(peak.refused).toBe(0);
  expect(overload.refused).toBeGreaterThan(overload.accepted);
  expect(overload.throughput).toBeGreaterThanOrEqual(0.8 * peak.throughput);
  expect(overload.medianRefusal).toBeLessThan(100);
  expect(more).toBeLessThan(150_000_000);
  await expectRecorded(peak.accepted + overload.accepted);
});

test('after the load, and once the admitted requests are done, the latency is as before', async () => {
  // With a queue of 200 and a group of as many, the database has work for a second.
  network.slow({ bandwidth: 120_000 });
  const peak = await generate({ rate: null, seconds: 3, room: ROOM });
  const usual = (await latency()) ?? NaN;
  let conceived = 1;
  let backAfter = Infinity;
  let isBack: Promise<void> | undefined;
  const comeBack = async (): Promise<void> => {
    const since = performance.now();
    while (backAfter === Infinity) {
      const took = await latency();
      if (took === undefined) continue;
      conceived += 1;
      // Not behind a group of others, and with a margin for a busy machine.
      if (took < 150 + 3 * usual) backAfter = performance.now() - since;
    }
  };
  const overload = await generate({ rate: 1_200, seconds: 5, room: OPEN }, () => {
    isBack = comeBack();
  });
  await isBack;
  console.log(JSON.stringify({ peak, overload, usual, backAfter }));
  expect([peak.strange, overload.strange]).toEqual([{}, {}]);
  expect(overload.refused).toBeGreaterThan(0);
  // At the rate of the peak. The rate under the load would hide a collapse.
  const drained = (OPEN / peak.throughput) * 1_000;
  expect(backAfter).toBeLessThan(Math.max(2_000, 1.5 * drained));
  await expectRecorded(peak.accepted + overload.accepted + conceived);
});

test('with its own processor as the bottleneck, the server does not collapse, and answers every request', async () => {
  const measure = async (
    load: Omit<Load, 'url' | 'document'>,
  ): Promise<Outcome & { perSecondOfProcessor: number }> => {
    const before = await figure(PROCESSOR);
    const outcome = await generate(load);
    const used = (await figure(PROCESSOR)) - before;
    return { ...outcome, perSecondOfProcessor: outcome.accepted / used };
  };
  const peak = await measure({ rate: null, seconds: 4, room: 150 });
  const twice = await measure({ rate: 2 * peak.throughput, seconds: 5, room: 3_000 });
  const most = await measure({ rate: null, seconds: 5, room: 2_000 });
  console.log(JSON.stringify({ peak, twice, most }));
  for (const { strange, sent, accepted, refused } of [peak, twice, most]) {
    expect(strange).toEqual({});
    expect(accepted + refused).toBe(sent);
  }
  // By CPU time, because other processes on this machine also take some of the clock's. A refusal costs two fifths of
  // an answer, since HTTP is most of both. So at twice the peak's rate, even a perfect server could accept only two
  // fifths of the peak.
  expect(twice.perSecondOfProcessor).toBeGreaterThanOrEqual(0.25 * peak.perSecondOfProcessor);
  expect(most.perSecondOfProcessor).toBeGreaterThanOrEqual(0.25 * peak.perSecondOfProcessor);
  // And by the clock, because a server that stalls uses no CPU time.
  for (const { throughput } of [twice, most]) expect(throughput).toBeGreaterThan(FLOOR);
  await expectRecorded(peak.accepted + twice.accepted + most.accepted);
});
