/** What PostgreSQL itself refuses of orders, and what it must accept: all of it derived from their declaration. */
import { migrate } from 'persistent-machine/database/migrate';
import { differencesOf } from 'persistent-machine/integrity';
import { describeIntegrity } from '../../../packages/persistent-machine/test/integrity/describeIntegrity';
import { type TestDatabase, createTestDatabase } from '../../../test/harness';
import { createDataSource } from '../ormconfig';
import { order } from '../src/machine/order';

describeIntegrity(order, migrated);

async function migrated(): Promise<TestDatabase> {
  const database = await createTestDatabase(null);
  const dataSource = createDataSource({ url: database.url, poolSize: 1, connectTimeout: 5_000 });
  await dataSource.initialize();
  await migrate(dataSource);
  await dataSource.destroy();
  return database;
}

test('the migrations make what the declaration wants', async () => {
  const { url, drop } = await migrated();
  const dataSource = createDataSource({ url, poolSize: 1, connectTimeout: 5_000 });
  await dataSource.initialize();
  expect(await differencesOf(dataSource)).toEqual({ up: [], down: [], others: [] });
  await dataSource.destroy();
  await drop();
});
