/** Tests that PostgreSQL ends a session of ours that holds locks and does nothing. */
import { Client } from 'pg';
import { dataSourceOf } from '../../src/database/dataSource';
import { entitiesOf } from '../../src/integrity';
import { Order, openWithOrders } from '../integrity/databases';

test('PostgreSQL ends a transaction that is left open, and frees its locks', async () => {
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
  // Waits until PostgreSQL has ended the session that holds the lock.
  await other.query('SELECT FROM order_ledger FOR UPDATE');
  await expect(forgetful.query('SELECT 1')).rejects.toThrow();

  expect((await other.query<object>('SELECT * FROM order_ledger')).rows).toEqual(before);
  await forgetful.release();
  await dataSource.destroy();
  await other.end();
  await database.drop();
});
