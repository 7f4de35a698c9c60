/** A database of the previous release, with lives in each state: it is migrated with all of its data, and back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate, revert } from 'persistent-machine/database/migrate';
import { differencesOf } from 'persistent-machine/integrity';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { createDataSource } from '../../ormconfig';
import { databaseSchema } from '../../scripts/databaseSchema';
import { phaseOf } from '../../src/machine';
import { type Contents, contentsOf } from '../api/store';
import { type TestDatabase, createTestDatabase } from '../harness';
import { Life } from '../../src/entities';

const DUMP = readFileSync(join(__dirname, 'version-0.1.0.sql'), 'utf8');

let database: TestDatabase;
let dataSource: DataSource;
let owner: Client;
let before: Contents;

/** The migrations later than the dump. */
const since = (): string[] =>
  dataSource.migrations
    .map(({ constructor: { name } }) => name)
    .filter((name) => !DUMP.includes(name));

beforeEach(async () => {
  database = await createTestDatabase(null);
  const restorer = new Client({ connectionString: database.url });
  await restorer.connect();
  await restorer.query(DUMP);
  await restorer.end();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  before = await contentsOf(owner);
  dataSource = createDataSource({ url: database.url, poolSize: 2, connectTimeout: 60_000 });
  await dataSource.initialize();
});

afterEach(async () => {
  expect(await contentsOf(owner)).toEqual(before);
  await Promise.all([owner.end(), dataSource.destroy()]);
  await database.drop();
});

test('it is migrated with its data, and then matches the declarations', async () => {
  expect(await migrate(dataSource)).toEqual(since());
  expect(await differencesOf(dataSource)).toEqual({ up: [], down: [], others: [] });
  expect(await contentsOf(owner)).toEqual(before);

  const lives = await dataSource.manager.find(Life);
  expect(lives.map((life) => phaseOf(life).stateType).sort()).toEqual([
    'Alive',
    'Alive',
    'Dead',
    'Dead',
    'Dead',
    'Gestating',
  ]);
});

test('the upgrade rewrites no table', async () => {
  // Only the tables of lives: another machine's may have been added since.
  const files = async (): Promise<object[]> =>
    dataSource.query<object[]>(
      `SELECT relname, relfilenode FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(lives|life_|ledger)' ORDER BY relname`,
    );
  const written = await files();
  await migrate(dataSource);
  expect(await files()).toEqual(written);
});

test('the upgraded tables enforce the declaration', async () => {
  await migrate(dataSource);
  const [dead] = await dataSource.manager.findBy(Life, { stateType: 'Dead' });
  await expect(
    owner.query(
      `UPDATE lives SET version = version + 1, state_type = 'Alive' WHERE id = '${dead?.id ?? ''}'`,
    ),
  ).rejects.toThrow('lives_state_agrees_with_columns');
  await expect(owner.query('DELETE FROM life_transitions')).rejects.toThrow(
    'the history of Life is append-only',
  );
});

test('a revert restores the original', async () => {
  // The body of a function may have other indentation.
  const schema = async (): Promise<string> => (await databaseSchema(owner)).replaceAll(/^ +/gm, '');
  await owner.query("SET search_path = 'public'");
  const found = await schema();
  const migrated = await migrate(dataSource);
  expect(await schema()).not.toBe(found);
  for (const name of migrated.reverse()) expect(await revert(dataSource)).toBe(name);
  expect(await schema()).toBe(found);
});
