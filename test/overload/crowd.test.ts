/**
 * More clients than the server's processor can serve. Two processes of wrk send the next request as soon as one is
 * answered. The server keeps most of its peak throughput, and no client waits longer than a request may take.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { problemsOf } from '../faults/integrity';

jest.setTimeout(180_000);
// The tests measure speed, and the machine may be busy with something else for a moment.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

const TYPENAME = '{ __typename }';
const CONCEIVE = 'mutation { conceive { id } }';

/** The connections of each wrk process: at the peak, at six times that, and as many as it can open. */
const PEAK = 32;
const SIX_TIMES = 200;
const MOST = 1_500;

const SECONDS = 5;

const REQUEST_TIMEOUT = 5_000;

interface Outcome {
  readonly accepted: number;
  readonly refused: number;
  /** Neither accepted nor refused, or no answer. */
  readonly strange: number;
  readonly seconds: number;
  /** The longest time of an answer, in milliseconds. */
  readonly slowest: number;
}

interface Measured extends Omit<Outcome, 'seconds'> {
  /** Accepted requests per second, and per second of the server's CPU time. */
  readonly perSecond: number;
  readonly perSecondOfProcessor: number;
}

let database: TestDatabase;
let server: ServerProcess;
let owner: Client;
let bystander: object[];

const BYSTANDER = `SELECT * FROM lives JOIN life_transitions ON life_id = lives.id WHERE position = 1`;

async function start(environment: Record<string, string>): Promise<void> {
  server = await startProcess({ DATABASE_URL: database.url, ...environment });
  expect((await ask(serverOf(server), CONCEIVE)).errors).toBeUndefined();
  ({ rows: bystander } = await owner.query<object>(BYSTANDER));
}

beforeEach(async () => {
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
});

afterEach(async () => {
  expect(bystander).toHaveLength(1);
  expect((await owner.query<object>(BYSTANDER)).rows).toEqual(bystander);
  await owner.end();
  await server.stop();
  await database.drop();
});

/** The result of one process of wrk. */
async function wrk(document: string, connections: number): Promise<Outcome> {
  const parameters = ['--threads=1', `--connections=${connections}`, `--duration=${SECONDS}s`];
  const { stdout } = await promisify(execFile)(
    'wrk',
    [...parameters, '--timeout=30s', '--script=test/overload/crowd.lua', serverOf(server).url],
    { env: { ...process.env, DOCUMENT: document } },
  );
  const [, outcome] = /^CROWD (.*)$/m.exec(stdout) ?? [];
  if (outcome === undefined) throw new Error(stdout);
  // The format of crowd.lua.
  return JSON.parse(outcome) as Outcome;
}

async function processorTime(): Promise<number> {
  const metrics = await (await fetch(`${serverOf(server).url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (.*)$/m.exec(metrics)?.[1]);
}

async function measure(document: string, connections: number): Promise<Measured> {
  const before = await processorTime();
  const both = await Promise.all([wrk(document, connections), wrk(document, connections)]);
  const used = (await processorTime()) - before;
  const sum = (name: keyof Outcome): number => both.reduce((total, one) => total + one[name], 0);
  const accepted = sum('accepted');
  return {
    accepted,
    refused: sum('refused'),
    strange: sum('strange'),
    slowest: Math.max(...both.map(({ slowest }) => slowest)),
    perSecond: Math.round(accepted / Math.max(...both.map(({ seconds }) => seconds))),
    perSecondOfProcessor: Math.round(accepted / used),
  };
}

/** By CPU time, because other processes on this machine also take some of the clock's. */
function share(of: Measured, peak: Measured): number {
  return of.perSecondOfProcessor / peak.perSecondOfProcessor;
}

test.each([TYPENAME, CONCEIVE])(
  '%s: at six times its peak’s clients the server keeps 0.7 of its throughput, and 0.5 with as many as can connect',
  async (document) => {
    await start({ MAX_QUEUE: '200' });
    const peak = await measure(document, PEAK);
    const sixTimes = await measure(document, SIX_TIMES);
    const most = await measure(document, MOST);
    console.log(JSON.stringify({ document, peak, sixTimes, most }));
    expect([peak.strange, sixTimes.strange, most.strange]).toEqual([0, 0, 0]);
    expect(peak.refused).toBe(0);
    expect(sixTimes.refused).toBeGreaterThan(0);
    expect(most.refused).toBeGreaterThan(0);
    expect(share(sixTimes, peak)).toBeGreaterThanOrEqual(0.7);
    expect(share(most, peak)).toBeGreaterThanOrEqual(0.5);
    for (const { slowest } of [sixTimes, most]) expect(slowest).toBeLessThan(REQUEST_TIMEOUT);
    expect(await problemsOf(owner)).toEqual([]);
  },
);

test('with the default settings, no client waits longer than a request may take', async () => {
  await start({});
  const most = await measure(CONCEIVE, MOST);
  console.log(JSON.stringify({ most }));
  expect(most.strange).toBe(0);
  expect(most.slowest).toBeLessThan(REQUEST_TIMEOUT);
  expect(await problemsOf(owner)).toEqual([]);
});
