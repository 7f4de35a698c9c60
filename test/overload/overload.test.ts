/**
 * More load than can be served, with the database as the bottleneck and with the server's own processor: what can
 * be served still is, whoever is refused hears of it at once, and afterwards all is as before. Everything is
 * measured against the same server in the same run.
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
// It is speed that is measured, on machines that may be busy with something else for a moment.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

/** As many as find room in the queue, and in the group that is under way. */
const ROOM = 200;

/** That, a group that is under way, and some who are being refused. */
const OPEN = 450;

/** What a small machine does many times over and a server that stalls does not, in conceptions a second. */
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

/** @param onSent called when the last one is sent, and not all need have been answered */
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
  if (generator.stdout === null) throw new Error('It was given a pipe.');
  let last = '';
  for await (const line of createInterface({ input: generator.stdout })) {
    if (line === 'sent') onSent();
    last = line;
  }
  // As it writes it.
  return JSON.parse(last) as Outcome;
}

/** @returns one of the server's own figures */
async function figure(name: string): Promise<number> {
  const response = await fetch(`${serverOf(server).url}/metrics`);
  expect(response.status).toBe(200);
  const [, value] = new RegExp(`^${name} (.*)$`, 'm').exec(await response.text()) ?? [];
  return Number(value);
}

/** @returns what becomes of `running`, and the highest that one of the server's own figures has been meanwhile */
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
      // Ten readings a second are no load of their own.
      await delay(100);
      highest = Math.max(highest, await figure(name));
    }
    return highest;
  };
  const [result, highest] = await Promise.all([ended, watch()]);
  return { result, highest };
}

/** @returns how long a conception takes, in milliseconds; undefined where it is refused */
async function latency(): Promise<number | undefined> {
  const since = performance.now();
  const { errors } = await ask(serverOf(server), CONCEIVE);
  return errors ? undefined : performance.now() - since;
}

/** That just so many lives are there, beside the bystander, and that nothing contradicts itself. */
async function expectRecorded(accepted: number): Promise<void> {
  const { rows } = await owner.query('SELECT count(*)::integer AS lives FROM lives');
  expect(rows).toEqual([{ lives: accepted + 1 }]);
  expect(await problemsOf(owner)).toEqual([]);
}

test('with the database as the bottleneck, what it can do is done, and the others are refused at once', async () => {
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

test('once the load has ended, and what had been let in is done, all is as before', async () => {
  // A queue of 200 and a group of as many are at the database still: what it can do in one second.
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
      // Not behind a group of others; with some room for a busy machine.
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
  // At the pace that it had before: were it by its pace under the load, a collapse would excuse itself.
  const drained = (OPEN / peak.throughput) * 1_000;
  expect(backAfter).toBeLessThan(Math.max(2_000, 1.5 * drained));
  await expectRecorded(peak.accepted + overload.accepted + conceived);
});

test('with its own processor as the bottleneck, it does not collapse, and everybody is answered', async () => {
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
  // By the processor's time that it was given: how much of it, others on this machine have a say in. To refuse
  // somebody takes two fifths of what it takes to serve them, since HTTP is most of both: of whoever comes at twice
  // the peak no more than two fifths of the peak could be served, however well it is done.
  expect(twice.perSecondOfProcessor).toBeGreaterThanOrEqual(0.25 * peak.perSecondOfProcessor);
  expect(most.perSecondOfProcessor).toBeGreaterThanOrEqual(0.25 * peak.perSecondOfProcessor);
  // And by the clock: whoever stalls uses no processor's time.
  for (const { throughput } of [twice, most]) expect(throughput).toBeGreaterThan(FLOOR);
  await expectRecorded(peak.accepted + twice.accepted + most.accepted);
});
