/**
 * `npm run reset`, which deletes the embedded database, and what it refuses to delete; and `npm run psql` without psql.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ask, createTestDatabase } from '../harness';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reset-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Outcome {
  readonly code: number | null;
  readonly said: string;
  readonly complaint: string;
}

/** @param answer the typed answer; by default the input ends at once */
async function execute(
  command: 'psql' | 'reset',
  {
    parameters = [],
    answer = '',
    environment = {},
  }: {
    readonly parameters?: readonly string[];
    readonly answer?: string;
    readonly environment?: Record<string, string>;
  } = {},
): Promise<Outcome> {
  const file = `packages/persistent-machine/src/${command}.ts`;
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', file, ...parameters],
    { env: { ...process.env, DATABASE_URL: '', DATA_DIR: directory, ...environment } },
  );
  // A command that does not ask may already have ended.
  child.stdin.on('error', () => undefined).end(answer);
  const [said, complaint] = [text(child.stdout), text(child.stderr)];
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said: await said, complaint: await complaint };
}

async function start(): Promise<ServerProcess> {
  return startProcess({ DATA_DIR: directory });
}

async function total(running: ServerProcess): Promise<unknown> {
  return (await ask(serverOf(running), '{ census { total } }')).data.census.total;
}

test('reset deletes the embedded database after a yes, if no server runs on it, and the next start makes another', async () => {
  expect(await execute('reset')).toEqual({
    code: 0,
    said: `There is no embedded database in ${directory}.\n`,
    complaint: '',
  });
  await writeFile(join(directory, 'bystander'), '');

  const first = await start();
  await ask(serverOf(first), 'mutation { conceive { id } }');
  expect(await execute('reset', { parameters: ['--yes'] })).toEqual({
    code: 1,
    said: '',
    complaint: expect.stringMatching(/in use by the process \d+\. Stop that process first/),
  });
  expect(await total(first)).toBe(1);
  await first.stop();

  for (const answer of ['', 'no\n', 'y\n']) {
    const { code, said } = await execute('reset', { answer });
    expect(code).toBe(1);
    expect(said).toContain(join(directory, 'postgres'));
    expect(said).toContain('Nothing was deleted.');
  }
  const second = await start();
  expect(await total(second)).toBe(1);
  await second.stop();

  expect(await execute('reset', { answer: 'yes\n' })).toMatchObject({ code: 0, complaint: '' });
  expect(await readdir(directory)).toEqual(expect.arrayContaining(['bystander', 'owner']));
  expect(await readdir(directory)).not.toContain('postgres');
  const third = await start();
  expect(await total(third)).toBe(0);
  // Reset also deletes what a kill has left behind.
  third.child.kill('SIGKILL');
  await third.ended;
  expect(await execute('reset', { parameters: ['--yes'] })).toMatchObject({ code: 0 });
});

test('reset never deletes a database of DATABASE_URL', async () => {
  const database = await createTestDatabase();
  const environment = { DATABASE_URL: database.url };
  expect(await execute('reset', { parameters: ['--yes'], environment })).toEqual({
    code: 1,
    said: '',
    complaint: expect.stringContaining('DATABASE_URL'),
  });
  // The test drops the database, so it still exists.
  await database.drop();
});

test('without psql, a sentence says what to install', async () => {
  const database = await createTestDatabase();
  const environment = { DATABASE_URL: database.url, PATH: directory };
  expect(await execute('psql', { environment })).toEqual({
    code: 1,
    said: '',
    complaint: expect.stringMatching(/^There is no psql on the PATH.*postgresql-client.*\n$/),
  });
  await database.drop();
});
