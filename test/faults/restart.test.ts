/**
 * PostgreSQL shuts down or crashes under load, and comes back. Each caller is told the truth, and no acknowledged
 * change is lost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { type EmbeddedPostgres, startEmbeddedPostgres } from 'persistent-machine/database/embedded';
import { type Answer, type TestServer, ask, startServer } from '../harness';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { outagesOf } from './Scene';
import { problemsOf } from './integrity';

let directory: string;
let postgres: EmbeddedPostgres;
let server: TestServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-restart-'));
  postgres = await startEmbeddedPostgres({ directory, log: () => undefined });
  server = await startServer({ DATABASE_URL: postgres.url, REQUEST_TIMEOUT_MS: '60000' });
}, 60_000);

afterAll(async () => {
  await server.stop();
  await postgres.stop();
  await rm(directory, { recursive: true });
}, 60_000);

async function connect(url = postgres.url): Promise<Client> {
  const client = new Client({ connectionString: url });
  // PostgreSQL may end this session.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Sends a signal to PostgreSQL's postmaster. */
async function signal(name: NodeJS.Signals): Promise<void> {
  const superuser = await connect(postgres.superuserUrl);
  const { rows } = await superuser.query<{ file: string }>(
    `SELECT pg_read_file('postmaster.pid') AS file`,
  );
  await superuser.end();
  process.kill(Number.parseInt(rows[0]?.file ?? '', 10), name);
}

const conceive = async (id: string): Promise<Answer> =>
  ask(server, 'mutation ($id: ID) { outcome: conceive(id: $id) { id version } }', { id });

const birth = async (id: string): Promise<Answer> =>
  ask(
    server,
    'mutation ($id: ID!) { outcome: birth(id: $id) { __typename ... on Life { id version } } }',
    {
      id,
    },
  );

async function conceiveMany(number: number): Promise<string[]> {
  const ids = Array.from({ length: number }, () => uuidv7());
  const answers = await Promise.all(ids.map(async (id) => conceive(id)));
  expect(answers.map(({ data }) => data)).toEqual(
    ids.map((id) => ({ outcome: { id, version: 1 } })),
  );
  return ids;
}

/** Asserts that these lives are born, and that the tables are consistent. */
async function expectBorn(ids: readonly string[], answers: readonly Answer[]): Promise<void> {
  expect(answers.map(({ errors }) => errors)).toEqual(answers.map(() => undefined));
  expect(answers.map(({ data }) => data)).toEqual(
    ids.map((id) => ({ outcome: { __typename: 'Alive', id, version: 2 } })),
  );
  const client = await connect();
  expect(await problemsOf(client)).toEqual([]);
  const { rows } = await client.query<{ life_id: string; events: string[] }>(
    `SELECT life_id, array_agg(event ORDER BY version) AS events
     FROM life_transitions WHERE life_id = ANY ($1) GROUP BY life_id`,
    [ids],
  );
  expect(rows).toHaveLength(ids.length);
  for (const { events } of rows) expect(events).toEqual(['Conception', 'Birth']);
  await client.end();
}

test('57P03: requests wait while PostgreSQL shuts down and refuses connections, and are answered once it is back', async () => {
  const ids = await conceiveMany(20);
  const [bystander = ''] = await conceiveMany(1);
  // The shutdown waits for this session, and PostgreSQL accepts no new one meanwhile.
  const last = await connect();
  await signal('SIGTERM');
  await until(async () => (await codeOfConnecting()) === '57P03');
  await last.query(
    'SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user',
  );
  const births = ids.map(async (id) => birth(id));
  await until(() => outagesOf(server).at(-1) === 'lost');
  await last.end();
  await expectBorn(ids, await Promise.all(births));
  expect((await ask(server, `{ life(id: "${bystander}") { version } }`)).data).toEqual({
    life: { version: 1 },
  });
});

/** The error code of a new connection; undefined if PostgreSQL accepts it. */
async function codeOfConnecting(): Promise<unknown> {
  try {
    await (await connect()).end();
    return undefined;
  } catch (error) {
    return error instanceof Error ? Reflect.get(error, 'code') : error;
  }
}

test('a crash of PostgreSQL loses no acknowledged change, and requests that wait for a commit are answered afterwards', async () => {
  const ids = await conceiveMany(20);
  const [bystander = ''] = await conceiveMany(1);
  const acknowledged = await Promise.all(ids.slice(0, 10).map(async (id) => birth(id)));
  const rival = await connect();
  await rival.query('BEGIN');
  await rival.query('SELECT FROM ledger FOR UPDATE');
  const births = ids.slice(10).map(async (id) => birth(id));
  // By another session, because within a transaction pg_stat_activity does not change.
  const observer = await connect();
  await until(async () => {
    const { rows } = await observer.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
  await signal('SIGQUIT');
  const answers = [...acknowledged, ...(await Promise.all(births))];
  await until(async () => (await codeOfConnecting()) === undefined);
  await expectBorn(ids, answers);
  expect((await ask(server, `{ life(id: "${bystander}") { version } }`)).data).toEqual({
    life: { version: 1 },
  });
});
