/** Tests that a network which falls silent takes no connection away for good, whatever was sent last over it. */
import { Pool } from 'pg';
import { Database } from 'persistent-machine/database/Database';
import { ConnectionLost } from 'persistent-machine/database/failures';
import { type TestDatabase, createTestDatabase } from '../harness';
import { Proxy } from '../harness/proxy';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
});

// Now and then a connection says something before a statement, for example to have its plans made again.
test('each of many statements ends at its timeout if the network falls silent before it', async () => {
  const network = await Proxy.to(database.url);
  const pool = new Pool({ connectionString: network.url, max: 1 });
  const connection = new Database(pool, { preparedStatements: true, statementTimeout: 100 });
  const one = { name: 'one', text: 'SELECT 1 AS one' };
  for (let used = 1; used < 20; used += 1) {
    for (let statement = 0; statement < used; statement += 1) await connection.run(one, []);
    network.silence();
    await expect(connection.run(one, [])).rejects.toThrow(ConnectionLost);
    network.speak();
  }
  expect(await connection.run(one, [])).toEqual([{ one: 1 }]);
  await pool.end();
  network.refuse();
}, 60_000);
