/**
 * Tests how many partitions a database has: the first migration decides, machines that come later get the same number,
 * and the server and the commands refuse another one.
 */
import { spawnSync } from 'node:child_process';
import { Client } from 'pg';
import { Entity } from 'typeorm';
import { dataSourceOf } from '../../src/database/dataSource';
import { UnusableDatabase } from '../../src/database/failures';
import { entitiesOf, entityOf } from '../../src/integrity';
import { openDatabase } from '../../src/openDatabase';
import { door } from '../graphql/door';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';
import { Migrations } from '../integrity/migrations';
import { ticket } from '../server/ticket';

@Entity()
class Door extends entityOf(door) {}

@Entity()
class Ticket extends entityOf(ticket) {}

const DOORS = [{ entities: entitiesOf(Door) }];
/** The application's next version, which has a second machine. */
const BOTH = [...DOORS, { entities: entitiesOf(Ticket) }];

let scratch: TestDatabase;
/** What the generator writes for the doors, and then for the tickets. */
let migrations: Migrations;
let database: TestDatabase;
let owner: Client;

beforeAll(async () => {
  scratch = await createTestDatabase();
  migrations = new Migrations(scratch.url);
  const tablesOf = (machines: typeof BOTH): object[] =>
    machines.flatMap(({ entities }) => Object.values(entities) as object[]);
  for (const [name, machines] of Object.entries({ Doors: DOORS, Tickets: BOTH })) {
    await migrations.generate(tablesOf(machines) as never[], name);
  }
});

beforeEach(async () => {
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
});

afterEach(async () => {
  await owner.end();
  await database.drop();
});

afterAll(async () => {
  migrations.remove();
  await scratch.drop();
});

const createDataSource =
  (machines: typeof BOTH): Parameters<typeof openDatabase>[0]['createDataSource'] =>
  (settings) =>
    dataSourceOf(settings, {
      machines,
      migrations: migrations.classes().slice(0, machines.length),
    });

/** Opens the database as a starting server does, and returns how many partitions the machines have. */
async function open(machines: typeof BOTH, partitions: number | undefined): Promise<number[]> {
  const settings = { url: database.url, poolSize: 2, connectTimeout: 60_000 };
  const { dataSource, tables } = await openDatabase(
    { machines, createDataSource: createDataSource(machines) },
    settings,
    { migrateIt: true, partitions, log: { info: jest.fn(), warn: jest.fn() } },
  );
  await dataSource.destroy();
  return tables.map((each) => each.partitions);
}

/** The partitions of each ledger that exists. */
async function ledgers(): Promise<Record<string, readonly number[]>> {
  const found: Record<string, readonly number[]> = {};
  const { rows } = await owner.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relname LIKE '%ledger' ORDER BY 1`,
  );
  for (const { name } of rows) {
    const { rows: each } = await owner.query<{ partition: number }>(
      `SELECT partition FROM ${name} ORDER BY 1`,
    );
    found[name] = each.map(({ partition }) => partition);
  }
  return found;
}

test.each([undefined, 1, 3, 32])('PARTITIONS=%s decides for a new database', async (partitions) => {
  const number = partitions ?? 1;
  expect(await open(BOTH, partitions)).toEqual([number, number]);
  const all = Array.from({ length: number }, (_, partition) => partition);
  expect(await ledgers()).toEqual({ ledger: all, ticket_ledger: all });
});

test('another number than the database has is refused at the start, and a machine that comes later gets the same', async () => {
  expect(await open(DOORS, 3)).toEqual([3]);
  const before = await ledgers();
  for (const machines of [DOORS, BOTH]) {
    for (const partitions of [1, 4]) {
      const opening = open(machines, partitions);
      await expect(opening).rejects.toThrow(UnusableDatabase);
      await expect(opening).rejects.toThrow(
        `PARTITIONS=${partitions}, but the database has 3 partitions, and that number never changes: unset PARTITIONS, or begin with ` +
          'an empty database.',
      );
      // In particular, there are no tables of the second machine.
      expect(await ledgers()).toEqual(before);
    }
  }
  expect(await open(DOORS, undefined)).toEqual([3]);
  expect(await open(DOORS, 3)).toEqual([3]);
  expect(await open(BOTH, undefined)).toEqual([3, 3]);
  expect(await ledgers()).toEqual({ ledger: [0, 1, 2], ticket_ledger: [0, 1, 2] });
  expect(await open(BOTH, 3)).toEqual([3, 3]);
});

test('ledgers with different numbers of partitions are refused', async () => {
  expect(await open(DOORS, 3)).toEqual([3]);
  // TypeORM's own command does not know how many partitions there are.
  const settings = { url: database.url, poolSize: 1, connectTimeout: 60_000 };
  const dataSource = createDataSource(BOTH)(settings);
  await dataSource.initialize();
  await dataSource.runMigrations();
  await dataSource.destroy();
  for (const partitions of [undefined, 1, 3]) {
    const opening = open(BOTH, partitions);
    await expect(opening).rejects.toThrow(UnusableDatabase);
    await expect(opening).rejects.toThrow(
      'The ledgers of the schema public have different numbers of partitions: ledger has 3, ticket_ledger has 1.',
    );
  }
  // An application that has only one of them works with its number.
  expect(await open(DOORS, 3)).toEqual([3]);
});

test('a ledger that has lost its rows is refused, and named', async () => {
  expect(await open(BOTH, 3)).toEqual([3, 3]);
  await owner.query('ALTER TABLE ticket_ledger DISABLE TRIGGER USER');
  await owner.query('DELETE FROM ticket_ledger');
  const opening = open(BOTH, undefined);
  await expect(opening).rejects.toThrow(UnusableDatabase);
  await expect(opening).rejects.toThrow(
    'The ledger public.ticket_ledger has no row, so nothing can be recorded. Restore its rows from a backup.',
  );
  expect(await ledgers()).toEqual({ ledger: [0, 1, 2], ticket_ledger: [] });
});

test('instances that begin with one empty database and different numbers end with one, and the others refuse it', async () => {
  const openings = await Promise.allSettled([2, 3, 4].map(async (number) => open(BOTH, number)));
  const opened = openings.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const refused = openings.flatMap((each) =>
    each.status === 'rejected' ? [each.reason as unknown] : [],
  );
  expect(opened).toHaveLength(2);
  expect(refused).toEqual([expect.any(UnusableDatabase), expect.any(UnusableDatabase)]);
  const [number = 0] = opened;
  expect(Object.values(await ledgers()).map(({ length }) => length)).toEqual([number, number]);
});

test('the migration command makes as many partitions as PARTITIONS says, and refuses another number than there are', async () => {
  const run = (partitions = ''): { readonly status: number | null; readonly said: string } => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--conditions=source',
        '--import',
        'tsx',
        `${__dirname}/../server/migrationCommand.ts`,
        'run',
      ],
      {
        env: { ...process.env, DATABASE_URL: database.url, PARTITIONS: partitions },
        encoding: 'utf8',
      },
    );
    return { status, said: stdout + stderr };
  };
  expect(run('3')).toEqual({ status: 0, said: expect.stringContaining('Migrated the database') });
  const before = await ledgers();
  expect(before).toEqual({ ledger: [0, 1, 2], ticket_ledger: [0, 1, 2] });
  expect(run('2')).toEqual({
    status: 1,
    said:
      'PARTITIONS=2, but the database has 3 partitions, and that number never changes: unset PARTITIONS, or begin with an empty ' +
      'database.\n',
  });
  expect(run()).toEqual({ status: 0, said: '' });
  expect(await ledgers()).toEqual(before);
});
