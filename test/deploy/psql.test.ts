/**
 * `npm run psql`, with Debian's psql: on the embedded database, with its server running and without, and on another
 * database.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ask, createTestDatabase } from '../harness';
import { serverOf, startProcess } from '../harness/serverProcess';

jest.setTimeout(120_000);

const execute = promisify(execFile);

/** @returns psql's answer to a query for the number of lives */
async function count(environment: Record<string, string>): Promise<string> {
  const question = ['--no-psqlrc', '--tuples-only', '--command=SELECT count(*) FROM lives'];
  const file = 'packages/persistent-machine/src/psql.ts';
  const { stdout } = await execute(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', file, ...question],
    { env: { ...process.env, DATABASE_URL: '', ...environment } },
  );
  return stdout.trim();
}

test('psql queries the embedded database beside its running server, and after that server has ended', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'psql-'));
  const server = await startProcess({ DATA_DIR: directory });
  await ask(serverOf(server), 'mutation { conceive { id } }');
  // PostgreSQL's own environment variables have no effect on psql here, nor on the server.
  const environment = { DATA_DIR: directory, PGHOST: 'nowhere.invalid', PGPASSWORD: 'wrong' };
  expect(await count(environment)).toBe('1');
  await server.stop();
  expect(await count(environment)).toBe('1');
  await rm(directory, { recursive: true });
});

test('psql queries the database of DATABASE_URL as the URL says', async () => {
  const database = await createTestDatabase();
  const url = `${database.url}?uselibpqcompat=true&application_name=psql`;
  expect(await count({ DATABASE_URL: url })).toBe('0');
  await database.drop();
});
