/**
 * The commands that change the schema, in processes of their own: they take the server's lock, and report problems in
 * sentences.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { MIGRATION_LOCK } from 'persistent-machine/database/migrate';
import { MIGRATIONS } from '../../migrations';
import { ask, createTestDatabase, startServer } from '../harness';

let url: string;
let owner: Client;
/** Stops what a test has started, the last one first. */
let cleanUps: (() => Promise<unknown>)[];

beforeEach(async () => {
  cleanUps = [];
  const database = await createTestDatabase(null);
  cleanUps.push(() => database.drop());
  ({ url } = database);
  owner = new Client({ connectionString: url });
  await owner.connect();
  cleanUps.push(() => owner.end());
});

afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

interface Outcome {
  readonly code: number | null;
  readonly said: string;
  readonly complaint: string;
}

function execute(...parameters: readonly string[]): {
  child: ChildProcess;
  outcome: Promise<Outcome>;
} {
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', 'src/migrationCommand.ts', ...parameters],
    {
      env: { ...process.env, DATABASE_URL: url },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const [said, complaint] = [text(child.stdout), text(child.stderr)];
  const outcome = once(child, 'close').then(async ([code]: (number | null)[]) => ({
    code: code ?? null,
    said: await said,
    complaint: await complaint,
  }));
  return { child, outcome };
}

async function hasTables(): Promise<boolean> {
  const { rows } = await owner.query<{ there: boolean }>(
    `SELECT to_regclass('lives') IS NOT NULL AS there`,
  );
  return rows[0]?.there === true;
}

test('run and revert wait for the lock that a starting server holds', async () => {
  await owner.query('BEGIN');
  await owner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  const { outcome } = execute('run');
  for (let isWaiting = false; !isWaiting;) {
    const { rowCount } = await owner.query(
      `SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
       WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`,
    );
    isWaiting = rowCount === 1;
  }
  expect(await hasTables()).toBe(false);
  await owner.query('COMMIT');
  expect(await outcome).toEqual({
    code: 0,
    said: expect.stringMatching(/^(Migrated the database: \w+, in \d+\.\d s\n)+$/),
    complaint: '',
  });
  expect(await hasTables()).toBe(true);
  expect(await execute('run').outcome).toEqual({ code: 0, said: '', complaint: '' });

  for (const name of MIGRATIONS.map((migration) => migration.name).reverse()) {
    expect(await hasTables()).toBe(true);
    const reverted = { code: 0, said: `Reverted ${name}\n`, complaint: '' };
    expect(await execute('revert').outcome).toEqual(reverted);
  }
  expect(await hasTables()).toBe(false);
});

test('a problem that a person must fix is reported in a sentence, and nothing is changed', async () => {
  await owner.query('CREATE TABLE ledger (account text)');
  const { code, complaint } = await execute('run').outcome;
  expect(code).toBe(1);
  expect(complaint).toMatch(/tables of another application.*ledger.*search_path/);
  expect(complaint.trim().split('\n')).toHaveLength(1);
  const { rows } = await owner.query(
    `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace`,
  );
  expect(rows).toEqual([{ relname: 'ledger' }]);
});

test('after a schema was renamed, run makes its triggers’ functions again', async () => {
  await execute('run').outcome;
  await owner.query('ALTER SCHEMA public RENAME TO "The new one"');
  await expect(startServer({ DATABASE_URL: url })).rejects.toThrow(/was renamed/);
  expect(await execute('run').outcome).toMatchObject({ code: 0, complaint: '' });
  const server = await startServer({ DATABASE_URL: url });
  const { data, errors } = await ask(server, 'mutation { conceive { phase } }');
  await server.stop();
  expect([data, errors]).toEqual([{ conceive: { phase: 'GESTATING' } }, undefined]);
});

test('generate first migrates, and then writes what is still missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'Index');
  expect(await execute('generate', path).outcome).toEqual({
    code: 0,
    said: expect.stringMatching(
      /^(Migrated .*\n)+Nothing is missing: no migration was written\.\n$/,
    ),
    complaint: '',
  });
  expect(await readdir(folder)).toEqual([]);

  await owner.query('DROP INDEX lives_by_age');
  expect(await execute('generate', join(folder, 'index')).outcome).toEqual({
    code: 1,
    said: '',
    complaint: 'Name the migration like a class, such as migrations/Freezing, not "index".\n',
  });
  expect(await execute('generate', path).outcome).toEqual({
    code: 0,
    said: expect.stringMatching(/^Wrote .*\d+-Index\.ts\n$/),
    complaint: '',
  });
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^\d+-Index\.ts$/), 'index.ts']);
});
