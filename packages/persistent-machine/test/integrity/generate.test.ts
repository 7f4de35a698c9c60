/** Tests `npm run migration:generate`: for each kind of difference, the migration removes it and can be reverted. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { type DataSource, Entity, PrimaryColumn } from 'typeorm';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';
import { UnusableDatabase } from '../../src/database/failures';
import { migrate, revert } from '../../src/database/migrate';
import { describe as described } from '../../src/integrity/catalog';
import type { Described } from '../../src/integrity/described';
import { NotGenerated, differencesOf } from '../../src/integrity';
import { Machine, text } from '../../src/machine';
import { migrateDatabase } from '../../src/openDatabase';
import { type Entities, Migrations } from './migrations';
import { ByHand } from './byHand';
import {
  Guest,
  NamedGuest,
  differences,
  entitiesFor,
  keyed,
  keyedBy,
  plain,
} from './kindsOfDifference';
import { door, order } from './machines';
import { Session } from './session';

let database: TestDatabase;
let migrations: Migrations;

beforeEach(async () => {
  database = await createTestDatabase();
  migrations = new Migrations(database.url);
});

afterEach(async () => {
  migrations.remove();
  await database.drop();
});

/** Runs a function with a DataSource that has the migrations of the folder. */
async function using<Result>(
  entities: Entities,
  work: (dataSource: DataSource) => Promise<Result>,
): Promise<Result> {
  const dataSource = await migrations.connect(entities);
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

/** All tables and functions of the schema. */
async function everything(dataSource: DataSource): Promise<Described> {
  const ask = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    dataSource.query<Row[]>(text, [...values]);
  const namesOf = async (text: string): Promise<string[]> =>
    (await ask<{ name: string }>(text)).map(({ name }) => name);
  return described(
    ask,
    await namesOf(
      `SELECT relname AS name FROM pg_class
       WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'r'`,
    ),
    await namesOf(
      `SELECT proname AS name FROM pg_proc WHERE pronamespace = quote_ident(current_schema())::regnamespace`,
    ),
  );
}

describe('a migration removes the difference:', () => {
  test.each(differences)('$what', async ({ from, to, drift = [], says, saysNot }) => {
    expect(await migrations.generate(from(), 'First')).toMatchObject({ warnings: [] });
    const before = await using(from(), async (dataSource) => {
      await migrate(dataSource);
      for (const statement of drift) await dataSource.query(statement);
      return everything(dataSource);
    });

    await migrations.generate(to(), 'Second');
    const [, second = '', index = ''] = migrations.files();
    const [up = '', down = ''] = migrations.read(second).split(/(?=async down)/);
    expect(up).toMatch(says);
    if (saysNot) expect(up).not.toMatch(saysNot);
    expect(down).toMatch(/queryRunner\.query/);
    expect(migrations.read(index)).toContain(second.replace('.ts', ''));

    await using(to(), async (dataSource) => {
      expect(await migrate(dataSource)).toEqual([expect.stringMatching(/^Second\d+$/)]);
      expect(await differencesOf(dataSource)).toEqual({ up: [], down: [], others: [] });
      // TypeORM agrees that nothing is missing.
      const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
      expect(upQueries.map(({ query }) => query)).toEqual([]);
    });
    await using(to(), async (dataSource) => {
      expect(await revert(dataSource)).toMatch(/^Second/);
      expect(await everything(dataSource)).toEqual(before);
    });
  });
});

describe('no migration is written', () => {
  test('where nothing is missing, and the command says so', async () => {
    await migrations.generate(plain(), 'First');
    const files = migrations.files();
    expect(await migrations.generate(plain(), 'Second')).toEqual({
      info: ['Nothing is missing: no migration was written.'],
      warnings: [],
    });
    expect(migrations.files()).toEqual(files);
  });

  test('for tables of a machine that is no longer declared: they stay, and a warning names them', async () => {
    await migrations.generate([...plain(), ...entitiesFor(order)], 'First');
    expect(await migrations.generate(plain(), 'Second')).toEqual({
      info: ['Nothing is missing: no migration was written.'],
      warnings: [
        'These tables belong to no entity, and stay as they are: order_ledger, order_transitions, orders.',
      ],
    });
    // The triggers of this machine remain, with the function that they share.
    await using(plain(), async (dataSource) => {
      await expect(dataSource.query('DELETE FROM order_ledger')).rejects.toThrow(
        /the ledger of Order is kept for good/,
      );
    });
  });

  test('for objects that an operator created and commented', async () => {
    await migrations.generate(plain(), 'First');
    await using(plain(), async (dataSource) => {
      await migrate(dataSource);
      for (const statement of [
        'CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
        'CREATE TRIGGER shouts AFTER INSERT ON doors EXECUTE FUNCTION shout()',
        "COMMENT ON TRIGGER shouts ON doors IS 'by hand'",
        'CREATE INDEX by_year ON doors (extract(year FROM created_at AT TIME ZONE $$UTC$$))',
        "COMMENT ON INDEX by_year IS 'by hand'",
        "ALTER TABLE doors ADD CONSTRAINT doors_are_new CHECK (created_at > '2020-01-01Z')",
        "COMMENT ON CONSTRAINT doors_are_new ON doors IS 'by hand'",
      ]) {
        await dataSource.query(statement);
      }
    });
    expect(await migrations.generate(plain(), 'Second')).toMatchObject({
      info: ['Nothing is missing: no migration was written.'],
    });
    await migrations.generate(entitiesFor(keyed), 'Third');
    const [, third = ''] = migrations.files();
    expect(migrations.read(third)).not.toMatch(/shout|by_year|doors_are_new/);
  });

  test.each(['', 'freezing', 'Freezing it', '1st'])('under the name "%s"', async (name) => {
    await expect(migrations.generate(plain(), name)).rejects.toThrow(
      /Name the migration like a class/,
    );
    expect(migrations.files()).toEqual([]);
  });

  test('for an entity that needs more than tables', async () => {
    const attempt = migrations.generate([...plain(), Moody], 'First');
    await expect(attempt).rejects.toBeInstanceOf(NotGenerated);
    await expect(attempt).rejects.toThrow(/moods_mood_enum.*a text column with a CHECK/);
    expect(migrations.files()).toEqual([]);
  });

  test('for a machine that would take over another one’s ledger', async () => {
    const bare = new Machine('Gate', { ...keyed.declaration, bare: true, plural: 'gates' });
    const former = new Machine('Hatch', { ...keyed.declaration, bare: true, plural: 'hatches' });
    await migrations.generate(entitiesFor(former), 'First');
    const files = migrations.files();
    const attempt = migrations.generate(entitiesFor(bare), 'Second');
    await expect(attempt).rejects.toBeInstanceOf(NotGenerated);
    await expect(attempt).rejects.toThrow(/ledger belongs to another machine: Gate/);
    expect(migrations.files()).toEqual(files);
  });

  test('by a role that may not create a schema', async () => {
    const isSuperuser = await using([], async (dataSource) => {
      const [row] = await dataSource.query<{ name: string; superuser: string }[]>(
        `SELECT current_database() AS name, current_setting('is_superuser') AS superuser`,
      );
      await dataSource.query(`REVOKE CREATE ON DATABASE ${row?.name ?? ''} FROM CURRENT_USER`);
      return row?.superuser === 'on';
    });
    const attempt = migrations.generate(plain(), 'First');
    // A superuser has every right.
    if (isSuperuser) await attempt;
    else await expect(attempt).rejects.toThrow(/GRANT CREATE ON DATABASE/);
    expect(migrations.files()).toHaveLength(isSuperuser ? 2 : 0);
  });
});

@Entity('moods')
class Moody {
  @PrimaryColumn({ type: 'enum', enum: ['good', 'bad'] })
  mood!: string;
}

test('a warning names each column that is dropped with its data', async () => {
  await migrations.generate(entitiesFor(keyed), 'First');
  const { info, warnings } = await migrations.generate(plain(), 'Second');
  expect(info).toEqual([expect.stringMatching(/^Wrote .*Second\.ts$/)]);
  expect(warnings).toHaveLength(3);
  expect(warnings[0]).toMatch(
    /drops a column with its data: ALTER TABLE door_transitions DROP COLUMN/,
  );
});

test('a new migration comes after the existing ones, even if their timestamps are in the future', async () => {
  migrations.now = 9_000_000_000_000;
  await migrations.generate(plain(), 'First');
  migrations.now = 1_800_000_000_000;
  await migrations.generate(entitiesFor(keyed), 'Second');
  expect(migrations.files()).toEqual([
    '9000000000001-First.ts',
    '9000000000002-Second.ts',
    'index.ts',
  ]);
  expect(migrations.read('index.ts')).toContain('[First9000000000001, Second9000000000002]');
});

test('the files are as Prettier would have them, and import nothing but types of TypeORM', async () => {
  await migrations.generate(plain(), 'First');
  await migrations.generate([...entitiesFor(keyed), Guest], 'ASecondOneWithQuiteALongName');
  await migrations.generate([...plain(), ...entitiesFor(order), NamedGuest], 'AThirdOne');
  const prettier = require.resolve('prettier/bin/prettier.cjs');
  const config = resolve('.prettierrc.json');
  const parameters = [prettier, '--config', config, '--list-different', migrations.folder];
  execFileSync(process.execPath, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
  const migrationFiles = migrations.files().filter((file) => file !== 'index.ts');
  expect(migrationFiles).toHaveLength(3);
  for (const file of migrationFiles) {
    expect(migrations.read(file).match(/^import .*$/gm)).toEqual([
      "import type { MigrationInterface, QueryRunner } from 'typeorm';",
    ]);
  }
});

test('a migration and its triggers work in any schema', async () => {
  const all = (): Entities => [...plain(), ...entitiesFor(order)];
  await migrations.generate(plain(), 'First');
  await migrations.generate(all(), 'Second');
  await using([], async (dataSource) => dataSource.query('CREATE SCHEMA "Another one"'));
  const elsewhere = migrations.in('Another one');
  const dataSource = await elsewhere.connect(all());
  expect(await migrate(dataSource)).toHaveLength(2);
  expect(await differencesOf(dataSource)).toEqual({ up: [], down: [], others: [] });
  const rows = await dataSource.query<{ schema: string }[]>(
    `SELECT DISTINCT substring(prosrc FROM '(\\S+)\\.order_transitions') AS schema FROM pg_proc
     WHERE pronamespace = '"Another one"'::regnamespace AND proname LIKE 'order%'`,
  );
  expect(rows).toEqual([{ schema: 'one"' }]);
  await dataSource.destroy();
});

test('a database is migrated with its rows, or not at all', async () => {
  await migrations.generate(plain(), 'First');
  const begin = new ByHand(door).begin(randomUUID());
  await using(plain(), async (dataSource) => {
    await migrate(dataSource);
    const session = await Session.open(database.url);
    await session.commit(new ByHand(door).statements(begin));
    await session.close();
  });
  await migrations.generate(entitiesFor(keyed), 'Second');
  await using(entitiesFor(keyed), async (dataSource) => {
    await migrate(dataSource);
    const [row] = await dataSource.query<object[]>('SELECT * FROM doors');
    expect(row).toMatchObject({ id: begin.after['id'], state_type: 'Closed', key: null });

    const byHand = new ByHand(keyed);
    const locking = byHand.edges.find(({ event }) => event === 'Locking');
    if (locking === undefined) throw new Error('It cannot be locked.');
    const session = await Session.open(database.url);
    const before = { ...begin.after, key: null };
    await session.commit(byHand.statements(byHand.step(before, locking)));
    await session.close();
  });

  // The door's key is too short for this rule.
  const strict = keyedBy(text({ min: 10, max: 20, says: 'Longer.' }));
  await migrations.generate(entitiesFor(strict), 'Third');
  await using(entitiesFor(strict), async (dataSource) => {
    const before = await everything(dataSource);
    const pending = { database: 'test', schema: 'public', pending: ['Third'], isEmpty: false };
    const attempt = migrateDatabase(dataSource, pending, [], {
      partitions: undefined,
      log: { info: jest.fn(), warn: jest.fn() },
    });
    await expect(attempt).rejects.toBeInstanceOf(UnusableDatabase);
    await expect(attempt).rejects.toThrow(
      /^Rows of the database do not fit a migration, and nothing was changed: .*doors_key_is_valid/,
    );
    expect(await everything(dataSource)).toEqual(before);
  });
});
