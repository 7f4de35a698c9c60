/** Which of our sessions PostgreSQL ends or stops by itself: what holds locks, and does nothing with them. */
import { Client } from 'pg';
import { createDataSource } from '../../ormconfig';
import { createTestDatabase } from '../harness';

test('a transaction that is left open is ended by the database, and its locks are free', async () => {
  const database = await createTestDatabase();
  const dataSource = createDataSource({
    url: database.url,
    poolSize: 1,
    connectTimeout: 10_000,
    statementTimeout: 1_000,
  });
  await dataSource.initialize();
  const other = new Client({ connectionString: database.url });
  await other.connect();
  const { rows: before } = await other.query<object>('SELECT * FROM ledger');

  const forgetful = dataSource.createQueryRunner();
  await forgetful.startTransaction();
  await forgetful.query('SELECT FROM ledger FOR UPDATE');
  // Waits for whoever holds it.
  await other.query('SELECT FROM ledger FOR UPDATE');
  await expect(forgetful.query('SELECT 1')).rejects.toThrow();

  expect((await other.query<object>('SELECT * FROM ledger')).rows).toEqual(before);
  await forgetful.release();
  await dataSource.destroy();
  await other.end();
  await database.drop();
});
