/** Runs the suite that holds for any machine on orders, and compares the migrations with the declaration. */
import { migrate } from 'persistent-machine/database/migrate';
import { differencesOf } from 'persistent-machine/integrity';
import { describeMachine } from '../../../packages/persistent-machine/test/describeMachine/describeMachine';
import { type TestDatabase, createTestDatabase } from '../../../test/harness';
import { createDataSource } from '../ormconfig';
import { orders } from '../src/machine/order';

describeMachine(orders, migrated);

async function migrated(): Promise<TestDatabase> {
  const database = await createTestDatabase(null);
  const dataSource = createDataSource({ url: database.url, poolSize: 1, connectTimeout: 5_000 });
  await dataSource.initialize();
  await migrate(dataSource);
  await dataSource.destroy();
  return database;
}

test('the migrations create what the declaration needs', async () => {
  const { url, drop } = await migrated();
  const dataSource = createDataSource({ url, poolSize: 1, connectTimeout: 5_000 });
  await dataSource.initialize();
  expect(await differencesOf(dataSource)).toEqual({ up: [], down: [], others: [] });
  await dataSource.destroy();
  await drop();
});
