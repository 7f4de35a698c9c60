/**
 * What `npm start` does before it starts the program, in a small checkout of the same shape: it installs and builds
 * only what is missing or out of date, and a signal ends it at any time.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const APPLICATION = 'src/main.ts';
const SOURCES = {
  engine: {
    from: 'packages/persistent-machine/src/serve.ts',
    to: 'packages/persistent-machine/dist/serve.js',
  },
  application: { from: APPLICATION, to: 'dist/src/main.js' },
  dashboard: { from: 'web/src/main.tsx', to: 'dist/web/index.html' },
};

const RUNS = 'console.log("It runs")';

/** A build that copies, and fails or hangs if the source says so. */
const BUILD = `
const { copyFileSync, mkdirSync, readFileSync } = require('node:fs');
const [from, to] = process.argv.slice(2);
mkdirSync(require('node:path').dirname(to), { recursive: true });
copyFileSync(from, to);
const source = readFileSync(from, 'utf8');
if (source.includes('BROKEN')) process.exit(1);
if (source.includes('SLOW')) {
  console.log('Building slowly');
  setInterval(() => undefined, 1_000);
}`;

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** The command of `npm start`. */
let command: string;
let checkout: string;
let started: Child[];

beforeAll(async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
    scripts: { start: string };
  };
  command = scripts.start;
});

beforeEach(async () => {
  started = [];
  checkout = await mkdtemp(join(tmpdir(), 'ready-'));
  await mkdir(join(checkout, 'scripts'));
  await cp('scripts/ready.cjs', join(checkout, 'scripts/ready.cjs'));
  await write('build.cjs', BUILD);
  for (const { from } of Object.values(SOURCES)) await write(from, RUNS);
  await dependOn('1.0.0');
});

afterEach(async () => {
  for (const each of started) each.kill('SIGKILL');
  await rm(checkout, { recursive: true });
});

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), content);
}

/** Adds a dependency on one package, which is a local folder, so that npm needs no registry. */
async function dependOn(version: string): Promise<void> {
  const builds = Object.entries(SOURCES).map(([name, { from, to }]) => [
    `build:${name}`,
    `exec node build.cjs ${from} ${to}`,
  ]);
  const dependencies = { part: 'file:part' };
  const manifest = {
    name: 'checkout',
    dependencies,
    scripts: Object.fromEntries(builds),
  };
  const packages = {
    '': { name: 'checkout', dependencies },
    'node_modules/part': { resolved: 'part', link: true },
    part: { version },
  };
  await write('part/package.json', JSON.stringify({ name: 'part', version }));
  await write('package.json', JSON.stringify(manifest));
  await write('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages }));
}

interface Start {
  readonly child: Child;
  /** The standard error so far. */
  readonly told: () => string;
  readonly ended: Promise<{ code: number | null; said: string; steps: string[] }>;
}

/** By a shell, as npm runs a script. */
function start(): Start {
  const child = spawn('sh', ['-c', command], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (complaint += part));
  const said = text(child.stdout);
  const ended = once(child, 'close').then(async ([code]: (number | null)[]) => ({
    code: code ?? null,
    said: await said,
    steps: [...complaint.matchAll(/^(?:Installing|Building the) \w+/gm)].map(([step]) => step),
  }));
  return { child, told: () => complaint, ended };
}

/** Waits until the build has begun. */
async function untilBuilding({ child, told }: Start): Promise<void> {
  while (!told().includes('Building slowly')) {
    expect(child.exitCode).toBeNull();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const EVERYTHING = [
  'Installing packages',
  'Building the engine',
  'Building the application',
  'Building the dashboard',
];
const RAN = { code: 0, said: 'It runs\n' };

test('a fresh checkout is installed and built, and later only what has changed', async () => {
  expect(await start().ended).toEqual({ ...RAN, steps: EVERYTHING });
  expect(await start().ended).toEqual({ ...RAN, steps: [] });

  await write(SOURCES.dashboard.from, RUNS);
  expect(await start().ended).toEqual({ ...RAN, steps: ['Building the dashboard'] });

  await write('src/stray.ts', '');
  expect(await start().ended).toEqual({ ...RAN, steps: ['Building the application'] });
  await rm(join(checkout, 'src/stray.ts'));
  expect(await start().ended).toEqual({ ...RAN, steps: ['Building the application'] });

  // The application was type-checked against the engine.
  await write(SOURCES.engine.from, RUNS);
  const steps = ['Building the engine', 'Building the application'];
  expect(await start().ended).toEqual({ ...RAN, steps });
});

test('a lock file with other packages has them installed, and a lock file that was only touched does not', async () => {
  await start().ended;
  await dependOn('1.0.0');
  expect((await start().ended).steps).not.toContain('Installing packages');
  await dependOn('2.0.0');
  expect(await start().ended).toMatchObject({
    ...RAN,
    steps: expect.arrayContaining(['Installing packages']),
  });
});

test('a checkout that does not build is not started, until it builds', async () => {
  await start().ended;
  await write(APPLICATION, 'BROKEN');
  const steps = ['Building the application'];
  expect(await start().ended).toEqual({ code: 1, said: '', steps });
  expect(await start().ended).toEqual({ code: 1, said: '', steps });
  await write(APPLICATION, RUNS);
  expect(await start().ended).toEqual({ ...RAN, steps });
});

test('a signal ends the build, which starts again the next time', async () => {
  await write(APPLICATION, `${RUNS} // SLOW`);
  const slow = start();
  await untilBuilding(slow);
  slow.child.kill('SIGTERM');
  expect(await slow.ended).toMatchObject({ said: '' });
  expect(existsSync(join(checkout, SOURCES.application.to))).toBe(false);
  await write(APPLICATION, RUNS);
  expect(await start().ended).toMatchObject(RAN);
});

test('a signal reaches the program, which ends by itself', async () => {
  await write(
    APPLICATION,
    `process.on('SIGTERM', () => { console.log('In order'); clearInterval(alive); });
    const alive = setInterval(() => undefined, 1_000);
    console.log('It runs');`,
  );
  const { child, ended } = start();
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'It runs') child.kill('SIGTERM');
    else expect(line).toBe('In order');
  }
  expect(await ended).toMatchObject({ code: 0 });
});

test('of two simultaneous starts one installs and builds, and the other waits for it', async () => {
  await write(APPLICATION, `${RUNS} // SLOW`);
  const first = start();
  await untilBuilding(first);
  await write(APPLICATION, RUNS);
  const second = start();
  while (!second.told().includes('Waiting for process')) {
    expect(second.child.exitCode).toBeNull();
    await new Promise((resolve) => setImmediate(resolve));
  }
  first.child.kill('SIGTERM');
  await first.ended;
  const steps = ['Building the application', 'Building the dashboard'];
  expect(await second.ended).toEqual({ ...RAN, steps });
});

test('a start that was killed does not block the next one', async () => {
  await write('.ready.lock', '4194304');
  expect(await start().ended).toEqual({ ...RAN, steps: EVERYTHING });
});
