/**
 * The migrations on empty databases: up and down, on several instances at once, and with one that fails.
 * migrations/schema.sql describes the result, and has a test of its own.
 */
import type { DataSource } from 'typeorm';
import { createDataSource } from '../../ormconfig';
import { migrate } from 'persistent-machine/database/migrate';
import { differencesOf } from 'persistent-machine/integrity';
import { type TestDatabase, createTestDatabase } from '../harness';

/** Every instance of the application has one of its own. */
let instances: readonly [DataSource, DataSource, DataSource];
let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase(null);
  const instance = (): DataSource =>
    createDataSource({ url: database.url, poolSize: 2, connectTimeout: 60_000 });
  instances = [instance(), instance(), instance()];
  await Promise.all(instances.map(async (each) => each.initialize()));
});

afterEach(async () => {
  await Promise.all(instances.map(async (each) => each.destroy()));
  await database.drop();
});

function allMigrations(instance: DataSource): string[] {
  return instance.migrations.map((migration) => migration.constructor.name);
}

/** All tables, indexes, sequences, types, functions, triggers and constraints that are not the system's. */
async function objectsOf(instance: DataSource): Promise<string[]> {
  const rows = await instance.query<{ name: string }[]>(`
    SELECT format('%s %s', kind, name) AS name
    FROM (
      SELECT 'relation', oid::regclass::text, relnamespace FROM pg_class
      UNION ALL
      SELECT 'type', oid::regtype::text, typnamespace FROM pg_type
      UNION ALL
      SELECT 'function', oid::regprocedure::text, pronamespace FROM pg_proc
      UNION ALL
      SELECT 'constraint', conname, connamespace FROM pg_constraint
      UNION ALL
      SELECT 'trigger', tgname, relnamespace FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
      WHERE NOT tgisinternal
    ) AS object (kind, name, namespace)
    WHERE namespace = current_schema()::regnamespace
    ORDER BY name`);
  return rows.map(({ name }) => name);
}

/** TypeORM's own objects, in which it records the migrations. */
const typeorms = / "?(migrations|typeorm_metadata|PK_)/;

test('a migration can be reverted completely, and run again', async () => {
  const [instance] = instances;
  expect(await objectsOf(instance)).toEqual([]);
  const migrated = await migrate(instance);
  expect(migrated).toEqual(allMigrations(instance));
  const made = await objectsOf(instance);
  expect(made).toContain('relation lives');

  for (let left = migrated.length; left > 0; left -= 1) await instance.undoLastMigration();
  expect(await objectsOf(instance)).toEqual(made.filter((name) => typeorms.test(name)));
  expect(await instance.query('SELECT * FROM typeorm_metadata')).toEqual([]);

  expect(await migrate(instance)).toEqual(migrated);
  expect(await objectsOf(instance)).toEqual(made);
});

test('of several instances that migrate an empty database at once, one does the work, and all find it done', async () => {
  const migrated = await Promise.all(instances.map(async (each) => migrate(each)));
  const [instance] = instances;
  expect(migrated.flat()).toEqual(allMigrations(instance));
  for (const each of instances) {
    expect(await each.query('SELECT position FROM ledger')).toEqual([{ position: '0' }]);
  }
});

test('a failed migration leaves nothing behind, and blocks no other instance', async () => {
  const [instance, ...others] = instances;
  // Conflicts with one of the migrations' tables, half-way through.
  await instance.query(`CREATE TABLE ledger AS SELECT 'not ours' AS contents`);
  const before = await objectsOf(instance);
  for (const outcome of await Promise.allSettled(instances.map(async (each) => migrate(each)))) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: '42P07' } }); // duplicate_table
  }

  expect(await objectsOf(instance)).toEqual(before);
  expect(await instance.query('SELECT * FROM ledger')).toEqual([{ contents: 'not ours' }]);
  expect(
    await instance.query(
      `SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
       WHERE locktype = 'advisory' AND datname = current_database()`,
    ),
  ).toEqual([]);

  await instance.query('DROP TABLE ledger');
  const migrated = await Promise.all(others.map(async (each) => migrate(each)));
  expect(migrated.flat()).toEqual(allMigrations(instance));
});

test('the entities describe exactly the tables that the migrations make', async () => {
  const [instance] = instances;
  await migrate(instance);
  const { upQueries } = await instance.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

test('the migrated database is what the entities and declarations require, to the last trigger', async () => {
  const [instance] = instances;
  await migrate(instance);
  expect(await differencesOf(instance)).toEqual({ up: [], down: [], others: [] });
});
