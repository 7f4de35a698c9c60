/** `npm run dev`, on a copy of the application: it restarts however an editor saves a file. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type TestDatabase, ask, createTestDatabase } from '../harness';

type Child = ChildProcessByStdio<null, Readable, Readable>;

let copy: string;
let database: TestDatabase;
let child: Child;
/** The server's URL, which changes with each restart. */
let starts: AsyncIterator<string>;
/** The original content of the machine's file. */
let original: string;

beforeEach(async () => {
  copy = await mkdtemp(join(tmpdir(), 'dev-'));
  const copied = ['src', 'migrations', 'ormconfig.ts', 'package.json', 'tsconfig.json'];
  for (const path of copied) await cp(path, join(copy, path), { recursive: true });
  for (const path of ['packages', 'node_modules', 'package-lock.json', 'scripts']) {
    await symlink(resolve(path), join(copy, path));
  }
  original = await readFile(machine(), 'utf8');
  database = await createTestDatabase();
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
    scripts: { dev: string };
  };
  child = spawn('sh', ['-c', scripts.dev], {
    cwd: copy,
    env: {
      ...process.env,
      PATH: `${resolve('node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
      DATABASE_URL: database.url,
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // To the whole group, as a terminal sends Ctrl-C.
    detached: true,
  });
  starts = startsOf(child);
});

afterEach(async () => {
  const ended = once(child, 'close');
  process.kill(-Number(child.pid), 'SIGINT');
  await ended;
  await database.drop();
  await rm(copy, { recursive: true });
});

const machine = (): string => join(copy, 'src/machine/life.ts');

async function* startsOf({ stdout }: Child): AsyncGenerator<string> {
  for await (const line of createInterface({ input: stdout })) {
    const [, url] = /"Ready: .* (http:[^"\s]+)\/graphql/.exec(line) ?? [];
    if (url !== undefined) yield url;
  }
}

/** Waits until the compiler complains about the machine's file. */
async function nextComplaint(): Promise<void> {
  for await (const part of child.stderr.iterator({ destroyOnReturn: false }))
    if (String(part).includes('life.ts')) return;
}

/** The description of the type in the next server's schema. */
async function nextDescription(): Promise<unknown> {
  const { value: url } = (await starts.next()) as { value: string };
  const { data } = await ask({ url }, '{ __type(name: "Life") { description } }');
  return data.__type.description;
}

const saying = (description: string): string =>
  original.replace('A life: gestating, alive or dead.', description);

/** Saves as most editors and git do: another file takes the name. */
async function saveByRename(content: string): Promise<void> {
  await writeFile(`${machine()}~`, content);
  await rename(`${machine()}~`, machine());
}

/** Saves in place: the file is empty for a moment. */
const saveByTruncation = (content: string): Promise<void> => writeFile(machine(), content);

test('npm run dev restarts after each save: by rename, by rename again, by truncation, and after a save that does not compile', async () => {
  expect(await nextDescription()).toContain('A life: gestating, alive or dead.');
  await saveByRename(saying('The first.'));
  expect(await nextDescription()).toContain('The first.');
  await saveByRename(saying('The second.'));
  expect(await nextDescription()).toContain('The second.');
  await saveByTruncation(saying('The third.'));
  expect(await nextDescription()).toContain('The third.');
  await saveByRename('What does not compile');
  await nextComplaint();
  await saveByRename(saying('The fourth.'));
  expect(await nextDescription()).toContain('The fourth.');
});
