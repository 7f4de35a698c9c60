/** Which of our sessions PostgreSQL ends or stops by itself: what holds locks, and does nothing with them. */
import { Client } from 'pg';
import { dataSourceOf } from '../../src/database/dataSource';
import { entitiesOf } from '../../src/integrity';
import { Order, openWithOrders } from '../integrity/databases';

test('a transaction that is left open is ended by the database, and its locks are free', async () => {
  const database = await openWithOrders();
  const dataSource = dataSourceOf(
    { url: database.url, poolSize: 1, connectTimeout: 10_000, statementTimeout: 1_000 },
    { machines: [{ entities: entitiesOf(Order) }], migrations: [] },
  );
  await dataSource.initialize();
  const other = new Client({ connectionString: database.url });
  await other.connect();
  const { rows: before } = await other.query<object>('SELECT * FROM order_ledger');

  const forgetful = dataSource.createQueryRunner();
  await forgetful.startTransaction();
  await forgetful.query('SELECT FROM order_ledger FOR UPDATE');
  // Waits for whoever holds it.
  await other.query('SELECT FROM order_ledger FOR UPDATE');
  await expect(forgetful.query('SELECT 1')).rejects.toThrow();

  expect((await other.query<object>('SELECT * FROM order_ledger')).rows).toEqual(before);
  await forgetful.release();
  await dataSource.destroy();
  await other.end();
  await database.drop();
});
