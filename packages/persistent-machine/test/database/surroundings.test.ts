/**
 * Tests the server among settings that it did not choose: of the role, the database, the URL and the environment, and
 * the schema of the tables. None of them changes what the server does, or the start says what the operator has to mend.
 */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { createPool } from '../../src/database/dataSource';
import { MIGRATION_LOCK, migrate } from '../../src/database/migrate';
import { ask } from '../harness/graphql';
import { type TestDatabase, administrate, createTestDatabase } from '../harness/postgres';
import { type RunningServer, startServer } from '../harness/server';
import { serverOf, spawnProcess, startProcess } from '../harness/serverProcess';
import { subscribe } from '../harness/subscriber';
import { warningsOf } from '../harness/warnings';
import { served } from '../server/served';

const MAIN = join(__dirname, '../server/main.ts');

/** A migrated database, of which each test gets a copy. */
let template: TestDatabase;
let database: TestDatabase;
let name: string;
/** A session of the tables' owner. */
let owner: Client;
/** Functions that end what a test has started, the last one first. */
let cleanUps: (() => Promise<unknown>)[];

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

beforeAll(async () => {
  template = await createTestDatabase();
  await (await migrated({ url: template.url })).destroy();
});

afterAll(async () => {
  await template.drop();
});

beforeEach(async () => {
  cleanUps = [];
  database = await createTestDatabase(nameOf(template.url));
  name = nameOf(database.url);
  cleanUps.push(() => database.drop());
  owner = await connect();
});

afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

async function connect(url = database.url): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  cleanUps.push(() => client.end().catch(() => undefined));
  return client;
}

async function migrated(place: {
  readonly url: string;
  readonly schema?: string;
}): Promise<DataSource> {
  const settings = { ...place, poolSize: 2, connectTimeout: 60_000 };
  const dataSource = await served.createDataSource(settings).initialize();
  await migrate(dataSource);
  return dataSource;
}

async function empty(): Promise<string> {
  const made = await createTestDatabase();
  cleanUps.push(() => made.drop());
  return made.url;
}

async function start(environment: Record<string, string> = {}): Promise<RunningServer> {
  const server = await startServer(served, { DATABASE_URL: database.url, ...environment });
  cleanUps.push(() => server.stop());
  return server;
}

async function hang(server: Pick<RunningServer, 'url'>): Promise<string> {
  const { data, errors } = await ask(server, 'mutation { hang { id } }');
  expect(errors).toBeUndefined();
  return data.hang.id;
}

/** Has the server send every kind of statement, and checks the answers. A bystander must not change. */
async function expectAllIsWell(server: Pick<RunningServer, 'url'>): Promise<void> {
  const bystander = await hang(server);
  const id = await hang(server);
  const open = `mutation ($id: ID!) { open(id: $id, idempotencyKey: "once") { ... on Open { id openedAt } } }`;
  const first = await ask(server, open, { id });
  expect(first.errors).toBeUndefined();
  expect(first.data.open.id).toBe(id);
  expect(await ask(server, open, { id })).toMatchObject({ data: first.data });
  const { data, errors } = await ask(
    server,
    `query ($id: ID!, $bystander: ID!, $moment: DateTime!) {
       door(id: $id) { phase createdAt history { nodes { event } } snapshot(version: 1) { phase } then: snapshot(asOf: $moment) { phase } }
       bystander: door(id: $bystander) { phase version }
       doors(order: NEWEST_FIRST, first: 2) { totalCount nodes { id } }
       open: doors(phase: [OPEN]) { nodes { id } }
       transitions(last: 3) { nodes { doorId event } }
       openings: transitions(events: [OPENING]) { nodes { doorId } }
       census { total open }
     }`,
    { id, bystander, moment: first.data.open.openedAt },
  );
  expect(errors).toBeUndefined();
  expect(data).toMatchObject({
    door: {
      phase: 'OPEN',
      history: { nodes: [{ event: 'HANGING' }, { event: 'OPENING' }] },
      snapshot: { phase: 'SHUT' },
      then: { phase: 'OPEN' },
    },
    bystander: { phase: 'SHUT', version: 1 },
    transitions: {
      nodes: [
        { doorId: bystander, event: 'HANGING' },
        { doorId: id, event: 'HANGING' },
        { doorId: id, event: 'OPENING' },
      ],
    },
  });
  expect(data.doors.nodes).toEqual([{ id }, { id: bystander }]);
  expect(data.open.nodes).toContainEqual({ id });
  expect(data.openings.nodes).toContainEqual({ doorId: id });
  const { total, open: opened } = data.census;
  expect([total, opened]).toEqual([data.doors.totalCount, data.open.nodes.length]);
  expect(Date.now() - Date.parse(data.door.createdAt)).toBeLessThan(60_000);
}

const SETTINGS = [
  "DateStyle = 'SQL, DMY'",
  "DateStyle = 'German'",
  "DateStyle = 'Postgres, MDY'",
  "IntervalStyle = 'sql_standard'",
  "TimeZone = 'Asia/Kathmandu'",
  'array_nulls = off',
  'bytea_output = escape',
  'extra_float_digits = -15',
  "client_encoding = 'LATIN1'",
  'default_transaction_isolation = serializable',
  'default_transaction_deferrable = on',
  'statement_timeout = 1',
  'lock_timeout = 1',
  'idle_in_transaction_session_timeout = 1',
  "idle_session_timeout = '1s'",
  'row_security = off',
  'enable_indexscan = off',
  'enable_seqscan = off',
  'jit_above_cost = 0',
  'plan_cache_mode = force_custom_plan',
  'synchronous_commit = off',
  'check_function_bodies = off',
  'quote_all_identifiers = on',
  'transform_null_equals = on',
  'work_mem = 64',
];

test.each(SETTINGS)('the server works in a database with %s', async (setting) => {
  await owner.query(`ALTER DATABASE ${name} SET ${setting}`);
  const server = await start();
  await expectAllIsWell(server);
  expect(warningsOf(server)).toEqual([]);
});

test('PostgreSQL does not end the connection that listens for being idle', async () => {
  await owner.query(`ALTER DATABASE ${name} SET idle_session_timeout = '1s'`);
  const server = await start();
  const subscriber = subscribe(server, 'WebSocket', 'subscription { transitions { doorId } }', {});
  cleanUps.push(() => subscriber.stop());
  const listeners = async (): Promise<object[]> =>
    (
      await owner.query<object>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
      )
    ).rows;
  let [first, ...others] = await listeners();
  while (first === undefined) [first, ...others] = await listeners();
  // Nothing must happen, and only time can show that.
  await owner.query('SELECT pg_sleep(2.5)');
  expect([first, ...others]).toEqual(await listeners());
  const id = await hang(server);
  await subscriber.untilReceived(1);
  expect(subscriber.results.map((result) => result.data.transitions.doorId)).toEqual([id]);
});

test('the server works with a URL that contains such settings', async () => {
  const options = encodeURIComponent('-c DateStyle=German -c array_nulls=off -c lock_timeout=1');
  await expectAllIsWell(await start({ DATABASE_URL: `${database.url}?options=${options}` }));
});

test.each(['transaction_timeout', 'lock_timeout'])(
  '%s, where PostgreSQL has it, does not end a migration that waits for another instance',
  async (setting) => {
    const url = await empty();
    const other = await connect(url);
    const { rowCount } = await other.query('SELECT FROM pg_settings WHERE name = $1', [setting]);
    if (rowCount === 0) return;
    await other.query('BEGIN');
    await other.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await owner.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET ${setting} = '1s'`);
    const starting = start({ DATABASE_URL: url });
    for (let isWaiting = false; !isWaiting;) {
      const { rows } = await other.query(
        `SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
         WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`,
      );
      isWaiting = rows.length > 0;
    }
    await other.query('SELECT pg_sleep(1.5)');
    await other.query('COMMIT');
    await expectAllIsWell(await starting);
  },
);

test.each([
  ['off', 'on'],
  ['local', 'local'],
])('in a database with synchronous_commit = %s our connections have %s', async (brought, ours) => {
  await owner.query(`ALTER DATABASE ${name} SET synchronous_commit = ${brought}`);
  const settings = { poolSize: 1, connectTimeout: 60_000, statementTimeout: 5_000 };
  const pool = createPool({ ...settings, url: database.url });
  cleanUps.push(() => pool.end());
  const { rows } = await pool.query('SHOW synchronous_commit');
  expect(rows).toEqual([{ synchronous_commit: ours }]);
});

test.each([
  ["DateStyle = 'German'", 'DateStyle = German'],
  ['array_nulls = off', 'array_nulls = off'],
  ['synchronous_commit = off', 'synchronous_commit = off'],
  ['default_transaction_isolation = serializable', 'default_transaction_isolation = serializable'],
])('with PREPARED_STATEMENTS=off the server refuses %s in a sentence', async (setting, told) => {
  await owner.query(`ALTER DATABASE ${name} SET ${setting}`);
  const start = startServer(served, { DATABASE_URL: database.url, PREPARED_STATEMENTS: 'off' });
  await expect(start).rejects.toThrow(told);
  await expect(start).rejects.toMatchObject({ name: 'UnusableDatabase' });
});

test('with PREPARED_STATEMENTS=off the server accepts harmless settings', async () => {
  await owner.query(`ALTER DATABASE ${name} SET TimeZone = 'Europe/Amsterdam'`);
  await owner.query(`ALTER DATABASE ${name} SET DateStyle = 'ISO, DMY'`);
  await expectAllIsWell(await start({ PREPARED_STATEMENTS: 'off' }));
});

test('the server refuses, in a sentence, a setting that switches triggers off', async () => {
  await administrate(`ALTER DATABASE ${name} SET session_replication_role = replica`);
  await expect(start()).rejects.toThrow(/session_replication_role = replica/);
});

test('no variable of the environment changes a connection', async () => {
  const { url: _url, ...running } = await startProcess(MAIN, {
    DATABASE_URL: database.url,
    PGHOST: 'nowhere.invalid',
    PGPORT: '1',
    PGUSER: 'nobody_of_ours',
    PGDATABASE: 'none_of_ours',
    PGPASSWORD: 'wrong',
    PGPASSFILE: '/nowhere',
    PGOPTIONS: '-c search_path=nowhere',
    PGSSLMODE: 'require',
    PGSSLNEGOTIATION: 'direct',
    PGSSLROOTCERT: '/nowhere',
    PGREQUIRESSL: '1',
    PGAPPNAME: 'another',
    PGREPLICATION: 'database',
    PGCLIENT_ENCODING: 'LATIN1',
    PGCLIENTENCODING: 'LATIN1',
    PGBINARY: 'true',
    PGCONNECT_TIMEOUT: '1',
    PGTZ: 'Asia/Kathmandu',
    PGDATESTYLE: 'German',
  });
  cleanUps.push(() => running.stop());
  await expectAllIsWell(serverOf({ ...running, url: _url }));
  const { rows } = await owner.query<{ application_name: string }>(
    `SELECT DISTINCT application_name FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  expect(rows).toEqual([{ application_name: 'persistent-state-machine' }]);
});

describe('the schema of the tables', () => {
  async function tablesIn(schema: string, client = owner): Promise<unknown> {
    const { rows } = await client.query<{ tables: string }>(
      `SELECT count(*) AS tables FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'`,
      [schema],
    );
    return Number(rows[0]?.tables);
  }

  /** Expects that two instances have the same doors. */
  async function expectTheSame(one: RunningServer, other: RunningServer): Promise<void> {
    const id = await hang(one);
    const query = '{ doors(order: NEWEST_FIRST, first: 1) { nodes { id } } }';
    expect((await ask(other, query)).data.doors.nodes).toEqual([{ id }]);
    await expectAllIsWell(other);
  }

  test('stays the same after a schema with the name of the role is created', async () => {
    const one = await start();
    const role = decodeURIComponent(new URL(database.url).username);
    await owner.query(`CREATE SCHEMA ${role}`);
    const other = await start();
    await expectTheSame(one, other);
    expect(await tablesIn(role)).toBe(0);
  });

  test('stays the same after the search path of the database has changed', async () => {
    const one = await start();
    await owner.query('CREATE SCHEMA elsewhere');
    await owner.query(`ALTER DATABASE ${name} SET search_path = elsewhere`);
    await expectTheSame(one, await start());
    await owner.query(`ALTER DATABASE ${name} SET search_path = nowhere`);
    await expectTheSame(one, await start());
    expect(await tablesIn('elsewhere')).toBe(0);
  });

  test('is the one that the URL names, however its name is written, and each schema has its own doors', async () => {
    const long = `It's 63 ${'letters '.repeat(6)}of it.`.replace('.', '').padEnd(63, '!');
    await owner.query(`CREATE SCHEMA "${long}"`);
    const path = `-c search_path=${`"${long}"`.replace(/[\\ ]/g, '\\$&')}`;
    const one = await start();
    await hang(one);
    const other = await start({
      DATABASE_URL: `${database.url}?options=${encodeURIComponent(path)}`,
    });
    expect((await ask(other, '{ census { total } }')).data.census.total).toBe(0);
    await expectAllIsWell(other);
    expect((await ask(one, '{ census { total } }')).data.census.total).toBe(1);
  });

  test('must be named where two schemas have the tables, and a sentence says so', async () => {
    await owner.query('CREATE SCHEMA second');
    const second = `${database.url}?options=-c%20search_path%3Dsecond`;
    await hang(await start({ DATABASE_URL: second }));
    await owner.query(`ALTER DATABASE ${name} SET search_path = second, public`);
    await expect(start()).rejects.toThrow(/second and public.*search_path/);
    await expectAllIsWell(await start({ DATABASE_URL: second }));
  });

  test('is refused in a sentence after it was renamed, until its functions are created again', async () => {
    const before = await start();
    const bystander = await hang(before);
    await before.stop();
    cleanUps.pop();
    await owner.query('ALTER SCHEMA public RENAME TO "Re named"');
    await expect(start()).rejects.toThrow(/was renamed.*migration:run/);
    await (await migrated({ url: database.url, schema: 'Re named' })).destroy();
    const after = await start();
    await expectAllIsWell(after);
    expect((await ask(after, `{ door(id: "${bystander}") { version } }`)).data.door).toEqual({
      version: 1,
    });
  });
});

describe('a database that the server cannot use yet', () => {
  /** Starts the server, and waits until its log says why it waits. */
  async function startWaiting(
    environment: Record<string, string>,
    reason: RegExp,
  ): Promise<ReturnType<typeof spawnProcess> & { at: string }> {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    // A listener on a port has an address with it.
    const { port } = occupant.address() as { port: number };
    occupant.close();
    const starting = spawnProcess(MAIN, { PORT: String(port), ...environment });
    cleanUps.push(() => starting.stop());
    while (!starting.logs.some(({ msg }) => reason.test(String(msg)))) {
      expect(starting.child.exitCode).toBeNull();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const at = `http://127.0.0.1:${port}`;
    expect((await fetch(`${at}/readyz`)).status).toBe(503);
    expect((await fetch(`${at}/healthz`)).status).toBe(200);
    return { ...starting, at };
  }

  test('is waited for while it is empty and MIGRATIONS=off, and the log says so once', async () => {
    const url = await empty();
    const starting = await startWaiting({ DATABASE_URL: url, MIGRATIONS: 'off' }, /migration:run/);
    await (await migrated({ url })).destroy();
    expect(await starting.url).toBe(starting.at);
    await expectAllIsWell({ url: starting.at });
    expect(starting.logs.filter(({ msg }) => String(msg).includes('migration:run'))).toHaveLength(
      1,
    );
  });

  test('is waited for while it is read-only', async () => {
    await owner.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const starting = await startWaiting({ DATABASE_URL: database.url }, /takes no changes/);
    await owner.query('SET default_transaction_read_only = off');
    await owner.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    expect(await starting.url).toBe(starting.at);
    await expectAllIsWell({ url: starting.at });
  });

  test('is waited for while a table of the migrations is missing', async () => {
    await owner.query('ALTER TABLE ledger RENAME TO mislaid');
    const starting = await startWaiting(
      { DATABASE_URL: database.url },
      /public\.ledger does not exist/,
    );
    await owner.query('ALTER TABLE mislaid RENAME TO ledger');
    expect(await starting.url).toBe(starting.at);
    await expectAllIsWell({ url: starting.at });
  });
});

test.each([
  [
    'table',
    'ALTER TABLE door_transitions RENAME TO mislaid',
    'ALTER TABLE mislaid RENAME TO door_transitions',
  ],
  [
    'column',
    'ALTER TABLE doors RENAME shut_at TO mislaid',
    'ALTER TABLE doors RENAME mislaid TO shut_at',
  ],
  ['schema', 'ALTER SCHEMA public RENAME TO mislaid', 'ALTER SCHEMA mislaid RENAME TO public'],
  ['right', 'REVOKE UPDATE ON doors FROM CURRENT_USER', 'GRANT UPDATE ON doors TO CURRENT_USER'],
])(
  'an instance is not ready while a %s is gone, and is ready again once it is back',
  async (_what, take, giveBack) => {
    const server = await start();
    const bystander = await hang(server);
    await owner.query(take);
    const statusOf = async (): Promise<number> => (await fetch(`${server.url}/readyz`)).status;
    expect(await statusOf()).toBe(200);
    const { errors } = await ask(server, 'mutation ($id: ID!) { open(id: $id) { __typename } }', {
      id: bystander,
    });
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(['DATABASE_UNAVAILABLE']);
    expect(await statusOf()).toBe(503);
    await owner.query(giveBack);
    while ((await statusOf()) !== 200) await new Promise((resolve) => setImmediate(resolve));
    expect((await ask(server, `{ door(id: "${bystander}") { phase version } }`)).data.door).toEqual(
      {
        phase: 'SHUT',
        version: 1,
      },
    );
    await expectAllIsWell(server);
    expect(server.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  },
);

describe('the start says in a sentence that the operator has to mend', () => {
  async function expectSentence(environment: Record<string, string>, told: RegExp): Promise<void> {
    const { code, complaint } = await (await startProcess(MAIN, environment)).ended;
    expect(complaint).toMatch(told);
    expect(complaint.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  }

  test('an encoding that cannot hold every text', async () => {
    const latin = `latin_${name}`;
    await administrate(
      `CREATE DATABASE ${latin} OWNER ${new URL(database.url).username} TEMPLATE template0
       ENCODING LATIN1 LOCALE 'C' LOCALE_PROVIDER libc`,
    );
    cleanUps.push(() => administrate(`DROP DATABASE ${latin}`));
    const url = Object.assign(new URL(database.url), { pathname: `/${latin}` });
    await expectSentence({ DATABASE_URL: url.href }, /LATIN1.*ENCODING UTF8/);
  });

  test('a missing right to create tables', async () => {
    const url = await empty();
    const session = await connect(url);
    // The owner of the schema revokes its own right.
    await session.query('ALTER SCHEMA public OWNER TO CURRENT_USER').catch(() => undefined);
    await session.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC, CURRENT_USER');
    await expectSentence(
      { DATABASE_URL: url },
      /may not create tables in the schema public: GRANT CREATE/,
    );
  });

  test('a missing schema for the tables', async () => {
    const url = `${await empty()}?options=-c%20search_path%3Dnowhere`;
    await expectSentence({ DATABASE_URL: url }, /search path.*CREATE SCHEMA/);
  });

  test.each([
    [
      'migrations',
      'id serial, migration text, batch integer',
      /table migrations that belongs to another tool/,
    ],
    ['ledger', 'account text, amount numeric', /tables of another application.*ledger/],
  ])('a table %s of another program', async (table, columns, told) => {
    const url = await empty();
    const session = await connect(url);
    await session.query(`CREATE TABLE ${table} (${columns})`);
    await expectSentence({ DATABASE_URL: url }, told);
    await expectAllIsWell(
      await (async () => {
        await session.query('CREATE SCHEMA own');
        return start({ DATABASE_URL: `${url}?options=-c%20search_path%3Down` });
      })(),
    );
  });

  test('a right that the role lacks', async () => {
    await owner.query('REVOKE INSERT ON doors FROM CURRENT_USER');
    await expectSentence(
      { DATABASE_URL: database.url },
      /GRANT USAGE on the schema and INSERT on the table/,
    );
  });
});

test('a database that was restored under another name needs no migration', async () => {
  await owner.end();
  await administrate(`ALTER DATABASE ${name} RENAME TO ${name}_restored`);
  cleanUps.push(() => administrate(`ALTER DATABASE ${name}_restored RENAME TO ${name}`));
  const copy = { url: `${database.url}_restored` };
  const dataSource = await migrated(copy);
  cleanUps.push(() => dataSource.destroy());
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

test('migrations of a newer version are accepted, and a warning names them', async () => {
  await owner.query(
    `INSERT INTO migrations (timestamp, name) VALUES (9764000000000, 'Later9764000000000')`,
  );
  const server = await start();
  await expectAllIsWell(server);
  expect(warningsOf(server)).toEqual([
    expect.objectContaining({ msg: expect.stringContaining('Later9764000000000') }),
  ]);
});

test('a role that may only read and write the rows is enough with MIGRATIONS=off', async () => {
  const role = `user_of_${name}`;
  await administrate(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  cleanUps.push(async () => {
    await owner.query(`DROP OWNED BY ${role}`).catch(() => undefined);
    await administrate(`DROP ROLE IF EXISTS ${role}`).catch(() => undefined);
  });
  await owner.query(`GRANT SELECT, INSERT, UPDATE ON doors, tickets TO ${role}`);
  await owner.query(`GRANT SELECT, INSERT ON door_transitions, ticket_transitions TO ${role}`);
  await owner.query(`GRANT SELECT, UPDATE ON ledger, ticket_ledger TO ${role}`);
  await owner.query(`GRANT SELECT ON migrations TO ${role}`);
  const url = Object.assign(new URL(database.url), { username: role, password: 'secret' });
  await expectAllIsWell(await start({ DATABASE_URL: url.href, MIGRATIONS: 'off' }));
});
