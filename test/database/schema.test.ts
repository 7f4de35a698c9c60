/** migrations/schema.sql, compared with the schema that the migrations really make. */
import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { SCHEMA_FILE, databaseSchema } from '../../scripts/databaseSchema';
import { type TestDatabase, createTestDatabase } from '../harness';

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await database.drop();
});

const RENEW = 'npm run schema:database';

test(`migrations/schema.sql is what the migrations make; to renew it: ${RENEW}`, async () => {
  expect(await databaseSchema(client)).toBe(readFileSync(SCHEMA_FILE, 'utf8'));
});

test('the comparison sees a difference in any part of the schema', async () => {
  let last = await databaseSchema(client);
  for (const change of [
    'ALTER TABLE lives ADD COLUMN nickname text',
    "ALTER TABLE lives ALTER COLUMN nickname SET DEFAULT 'nobody'",
    'ALTER TABLE lives ALTER COLUMN nickname SET NOT NULL',
    'ALTER TABLE lives ADD CONSTRAINT lives_have_nicknames CHECK (length(nickname) > 0)',
    'CREATE INDEX lives_by_nickname ON lives (nickname)',
    'ALTER TABLE lives SET (fillfactor = 50)',
    'ALTER TABLE lives DISABLE TRIGGER lives_change_by_transition',
    'ALTER FUNCTION refuse_change COST 1',
    'CREATE TABLE marriages ()',
  ]) {
    await client.query(change);
    const next = await databaseSchema(client);
    expect({ change, seen: next !== last }).toEqual({ change, seen: true });
    last = next;
  }
});

test.each([
  'CREATE VIEW centenarians AS SELECT * FROM lives',
  'CREATE SEQUENCE positions',
  "CREATE TYPE state AS ENUM ('Gestating', 'Alive', 'Dead')",
  'CREATE DOMAIN name AS text',
])('an object that the description would omit is refused: %s', async (change) => {
  await client.query(change);
  await expect(databaseSchema(client)).rejects.toThrow('would omit');
});
