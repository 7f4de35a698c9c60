/**
 * A database of the previous release, with lives in each state: it is migrated with all of its data, and back, and the
 * cursors that clients keep stay valid.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate, revert } from 'persistent-machine/database/migrate';
import { differencesOf } from 'persistent-machine/integrity';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { createDataSource } from '../../ormconfig';
import { databaseSchema } from '../../scripts/databaseSchema';
import { phaseOf } from '../../src/machine';
import { type Contents, contentsOf } from '../api/store';
import { subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { type TestDatabase, ask, createTestDatabase, startServer } from '../harness';
import { cursorsOf, oldCursor } from '../harness/cursors';
import { Life } from '../../src/entities';

const DUMP = readFileSync(join(__dirname, 'version-0.1.0.sql'), 'utf8');

let database: TestDatabase;
let dataSource: DataSource;
let owner: Client;
let before: Contents;
/** What the tables must hold at the end of a test. */
let expected: Contents;

/** The same rows in migrated tables: everything is in partition 0, whose number replaces the key of the ledger's row. */
function inOnePartition({ lives, transitions, ledger }: Contents): Contents {
  const partitioned = (row: object): object => ({ ...row, partition: 0 });
  return {
    lives: lives.map(partitioned),
    transitions: transitions.map(partitioned),
    ledger: ledger.map((row) => {
      expect(row).toHaveProperty('singleton', true);
      return partitioned({ ...row, singleton: undefined });
    }),
  };
}

async function upgrade(): Promise<string[]> {
  const migrated = await migrate(dataSource);
  expected = inOnePartition(before);
  return migrated;
}

/** The migrations later than the dump. */
const since = (): string[] =>
  dataSource.migrations
    .map(({ constructor: { name } }) => name)
    .filter((name) => !DUMP.includes(name));

beforeEach(async () => {
  database = await createTestDatabase(null);
  const restorer = new Client({ connectionString: database.url });
  await restorer.connect();
  await restorer.query(DUMP);
  await restorer.end();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  before = await contentsOf(owner);
  expect(before.ledger).toHaveLength(1);
  expected = before;
  dataSource = createDataSource({ url: database.url, poolSize: 2, connectTimeout: 60_000 });
  await dataSource.initialize();
});

afterEach(async () => {
  expect(await contentsOf(owner)).toEqual(expected);
  await Promise.all([owner.end(), dataSource.destroy()]);
  await database.drop();
});

test('it is migrated with its data, and then matches the declarations', async () => {
  expect(await upgrade()).toEqual(since());
  expect(await differencesOf(dataSource)).toEqual({ up: [], down: [], others: [] });
  expect(await contentsOf(owner)).toEqual(expected);

  const lives = await dataSource.manager.find(Life);
  expect(lives.map((life) => phaseOf(life).stateType).sort()).toEqual([
    'Alive',
    'Alive',
    'Dead',
    'Dead',
    'Dead',
    'Gestating',
  ]);
});

test('the upgrade writes no row of a table again, and builds only the indexes that a partition leads', async () => {
  // Only the tables of lives: another machine's may have been added since.
  const files = async (kind: 'r' | 'i'): Promise<Record<string, string>> => {
    const { rows } = await owner.query<{ name: string; file: string }>(
      `SELECT relname AS name, relfilenode::text AS file FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(lives|life_|ledger)' AND relkind = $1
       ORDER BY relname`,
      [kind],
    );
    return Object.fromEntries(rows.map(({ name, file }) => [name, file]));
  };
  const tables = await files('r');
  const indexes = await files('i');
  // PostgreSQL gives a row that is written again another place, or another transaction.
  const written = async (): Promise<object[]> => {
    const selections = Object.keys(tables).map(
      (table) => `SELECT '${table}' AS name, ctid, xmin FROM ${table}`,
    );
    return (await owner.query<object>(`${selections.join(' UNION ALL ')} ORDER BY name, ctid`))
      .rows;
  };
  const rows = await written();

  await upgrade();
  expect(Object.keys(tables)).toEqual(['ledger', 'life_transitions', 'lives']);
  expect(await files('r')).toEqual(tables);
  expect(await written()).toEqual(rows);
  const built = Object.entries(await files('i')).filter(([name, file]) => indexes[name] !== file);
  expect(built.map(([name]) => name)).toEqual([
    'ledger_pkey',
    'life_transitions_by_event',
    'life_transitions_idempotency_key',
    'life_transitions_pkey',
    'life_transitions_position_key',
    'lives_pkey',
  ]);
});

test('a cursor of the version before, in either of its forms, begins the same page and the same subscription', async () => {
  const cursors = await cursorsOf(owner);
  const server = await startServer({ DATABASE_URL: database.url });
  expected = inOnePartition(before);
  try {
    for (const [place, fingerprinted] of cursors.entries()) {
      for (const cursor of [fingerprinted, oldCursor(place)]) {
        const { data, errors } = await ask(
          server,
          `query ($cursor: String) {
             after: transitions(first: 100, after: $cursor) { nodes { cursor } }
             before: transitions(last: 100, before: $cursor) { nodes { cursor } }
           }`,
          { cursor },
        );
        expect(errors).toBeUndefined();
        const listed = (page: readonly string[]): object => ({
          nodes: page.map((each) => ({ cursor: each })),
        });
        expect(data).toEqual({
          after: listed(cursors.slice(place + 1)),
          before: listed(cursors.slice(1, Math.max(place, 1))),
        });

        const left = cursors.slice(place + 1);
        const subscriber = subscribe(
          server,
          'WebSocket',
          'subscription ($cursor: String) { transitions(after: $cursor) { cursor } }',
          { cursor },
        );
        await subscriber.untilReceived(left.length);
        await subscriber.stop();
        expect(subscriber.results).toEqual(
          left.map((each) => ({ data: { transitions: { cursor: each } } })),
        );
      }
    }
  } finally {
    await server.stop();
  }
});

test('a server that asks for more partitions than the one that the database has is told so, and changes nothing', async () => {
  await owner.query("SET search_path = 'public'");
  const found = await databaseSchema(owner);
  await expect(startServer({ DATABASE_URL: database.url, PARTITIONS: '8' })).rejects.toThrow(
    'PARTITIONS=8, but the database has 1 partition, and that number never changes: ' +
      'unset PARTITIONS, or begin with an empty database.',
  );
  expect(await databaseSchema(owner)).toBe(found);
});

test('the upgraded tables enforce the declaration', async () => {
  await upgrade();
  const [dead] = await dataSource.manager.findBy(Life, { stateType: 'Dead' });
  await expect(
    owner.query(
      `UPDATE lives SET version = version + 1, state_type = 'Alive' WHERE id = '${dead?.id ?? ''}'`,
    ),
  ).rejects.toThrow('lives_state_agrees_with_columns');
  await expect(owner.query('DELETE FROM life_transitions')).rejects.toThrow(
    'the history of Life is append-only',
  );
});

test('a revert restores the original, except that the key of the ledger is its last column', async () => {
  // The body of a function may have other indentation.
  const schema = async (): Promise<string> => (await databaseSchema(owner)).replaceAll(/^ +/gm, '');
  await owner.query("SET search_path = 'public'");
  const found = await schema();
  const migrated = await migrate(dataSource);
  expect(await schema()).not.toBe(found);
  for (const name of migrated.reverse()) expect(await revert(dataSource)).toBe(name);
  // PostgreSQL puts a column that was dropped and is added again behind all others.
  const key = 'singleton boolean DEFAULT true NOT NULL,\n';
  const [ledger = ''] = /CREATE TABLE ledger \([^]*?(?=CONSTRAINT)/.exec(found) ?? [];
  expect(ledger).toContain(key);
  expect(await schema()).toBe(found.replace(ledger, ledger.replace(key, '') + key));
});
