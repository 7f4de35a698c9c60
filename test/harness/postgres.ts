/**
 * The one PostgreSQL of a test run: ours, or the server of DATABASE_URL. On it a template, migrated once,
 * from which each test clones a database of its own within milliseconds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createDataSource } from '../../ormconfig';
import { startEmbeddedPostgres } from 'persistent-machine/database/embedded';
import { migrate } from 'persistent-machine/database/migrate';
import { DROP_OPTIONS, type Postgres, type RunningPostgres, startPostgres } from './topology';

/** Of this run: its workers are children of who started it. */
const TEMPLATE = `persistent_state_machine_template_${process.env['TEST_RUN'] ?? (process.env['TEST_RUN'] = String(process.pid))}`;

/** Has how to reach the run's PostgreSQL; from Jest's global set-up to its workers. */
const VARIABLE = 'TEST_POSTGRES';

export interface TestPostgres {
  stop(): Promise<void>;
}

/** Starts it; called once a run. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const { postgres, stop } = await startPostgres(reachPostgres);
  process.env[VARIABLE] = JSON.stringify(postgres);
  await administrate(`DROP DATABASE IF EXISTS ${TEMPLATE}`);
  await administrate(`CREATE DATABASE ${TEMPLATE} OWNER ${ownerOf(postgres)}`);
  const dataSource = createDataSource({
    url: urlOf(TEMPLATE),
    poolSize: 1,
    connectTimeout: 60_000,
  });
  await dataSource.initialize();
  await migrate(dataSource);
  await dataSource.destroy();
  return { stop };
}

async function reachPostgres(): Promise<RunningPostgres> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') {
    return {
      postgres: { administratorUrl: given, ownerUrl: given },
      stop: () => administrate(`DROP DATABASE ${TEMPLATE}`),
    };
  }
  const directory = await mkdtemp(join(tmpdir(), 'test-postgres-'));
  const embedded = await startEmbeddedPostgres({
    directory,
    log: () => undefined,
    settings: { max_connections: '200' },
  });
  return {
    postgres: { administratorUrl: embedded.superuserUrl, ownerUrl: embedded.url },
    stop: async () => {
      await embedded.stop();
      await rm(directory, { recursive: true });
    },
  };
}

export interface TestDatabase {
  readonly url: string;
  /** Drops it; fails while somebody is still connected, which then is a test's leak. */
  readonly drop: () => Promise<void>;
}

/** @param template null: an empty database, without our tables */
export async function createTestDatabase(
  template: string | null = TEMPLATE,
): Promise<TestDatabase> {
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2)}`;
  await administrate(
    `CREATE DATABASE ${name} OWNER ${ownerOf(thePostgres())} TEMPLATE ${template ?? 'template0'}`,
  );
  return {
    url: urlOf(name),
    drop: () => administrate(`DROP DATABASE ${name}${DROP_OPTIONS}`),
  };
}

/** Runs a statement as who may create databases, outside any of the tests' own. */
export async function administrate(statement: string): Promise<void> {
  const client = new Client({ connectionString: thePostgres().administratorUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function thePostgres(): Postgres {
  const given = process.env[VARIABLE];
  if (given === undefined) throw new Error("Jest's global set-up has started no PostgreSQL.");
  // Written by startTestPostgres.
  return JSON.parse(given) as Postgres;
}

function ownerOf({ ownerUrl }: Postgres): string {
  return decodeURIComponent(new URL(ownerUrl).username);
}

function urlOf(database: string): string {
  const url = new URL(thePostgres().ownerUrl);
  url.pathname = `/${database}`;
  return url.href;
}
