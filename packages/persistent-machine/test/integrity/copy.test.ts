/** Tests that PostgreSQL also checks rows that come by COPY, and that only a superuser can switch triggers off. */
import { randomUUID } from 'node:crypto';
import { Client, type Connection, Query } from 'pg';
import { ByHand } from './byHand';
import { openWithOrders } from './databases';
import type { MigratedDatabase } from './describeIntegrity';
import { order } from './machines';
import { type Contents, Session } from './session';

const byHand = new ByHand(order);
const { records, history } = byHand.shape;

let database: MigratedDatabase;
let session: Session;
let client: Client;
let before: Contents;

beforeAll(async () => {
  database = await openWithOrders();
  session = await Session.open(database.url);
  await session.commit(byHand.statements(byHand.begin(randomUUID())));
  before = await session.contentsOf(byHand);
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  expect(await session.contentsOf(byHand)).toEqual(before);
});

afterAll(async () => {
  await Promise.all([client.end(), session.close()]);
  await database.drop();
});

/** The part of a connection that node-postgres' types leave out. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** `COPY … FROM STDIN`, by which dumps are restored. */
class Copy extends Query {
  readonly #data: string;

  constructor(table: string, row: Readonly<Record<string, string>>) {
    super(`COPY ${table} (${Object.keys(row).join(', ')}) FROM STDIN`);
    this.#data = `${Object.values(row).join('\t')}\n`;
  }

  /** What node-postgres calls when the database is ready for the data; its types leave it out. */
  handleCopyInResponse(connection: Connection & CopyConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.#data));
    connection.endCopyFrom();
  }
}

async function refusalOf(copy: Copy): Promise<Error> {
  return new Promise((resolve, reject) => {
    copy.on('error', resolve).on('end', () => {
      reject(new Error('It was not refused.'));
    });
    client.query(copy);
  });
}

const moment = '2026-01-01T12:00Z';
const recorded = {
  version: '1',
  state_type: 'Draft',
  created_at: moment,
  updated_at: moment,
};

test('COPY of a record without its history is refused', async () => {
  const refusal = await refusalOf(new Copy(records, { id: randomUUID(), ...recorded }));
  expect(refusal).toMatchObject({ code: '23503', constraint: 'orders_are_recorded' });
});

test('COPY of a transition ahead of its record is refused', async () => {
  const transition = {
    order_id: randomUUID(),
    event: 'Drafting',
    occurred_at: moment,
    recorded_at: moment,
    position: '2',
    data: '{"user": "Ada"}',
  };
  expect(await refusalOf(new Copy(history, { ...recorded, ...transition }))).toMatchObject({
    code: '23000',
    message: 'a transition of Order differs from its record',
  });
});

test('only a superuser can have a session without triggers', async () => {
  const [row] = await session.query<{ superuser: string }>(
    "SELECT current_setting('is_superuser') AS superuser",
  );
  const outcome = await session.outcomeOf(["SET LOCAL session_replication_role = 'replica'"]);
  if (row?.superuser === 'on') expect(outcome).toBe('accepted');
  else expect(outcome).toMatchObject({ code: '42501' });
});
