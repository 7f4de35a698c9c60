/**
 * The one PostgreSQL of a test run, on which each test creates a database of its own. Does not know what a test keeps
 * there.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from 'persistent-machine/database/embedded';

/** The variable by which Jest's global set-up tells its workers how to reach the run's PostgreSQL. */
const VARIABLE = 'TEST_POSTGRES';

/** How the PostgreSQL of a run is reached. */
export interface Postgres {
  /** May create databases. */
  readonly administratorUrl: string;
  /** Owns the databases of the tests, and is no superuser where the server is our own. */
  readonly ownerUrl: string;
  /** Whether a pooler in front of it keeps connections to a database that no test uses any more. */
  readonly isPooled?: boolean;
}

export interface RunningPostgres {
  readonly postgres: Postgres;
  readonly stop: () => Promise<void>;
}

/** @returns the server of DATABASE_URL or, without it, an embedded one, started */
export async function startPostgres(): Promise<RunningPostgres> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') {
    return {
      postgres: { administratorUrl: given, ownerUrl: given },
      stop: async () => Promise.resolve(),
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

/** From now on this process and its children create their databases on this PostgreSQL. */
export function usePostgres(postgres: Postgres): void {
  process.env[VARIABLE] = JSON.stringify(postgres);
}

export interface TestDatabase {
  readonly url: string;
  /** Drops the database. Fails while a connection to it is open: a test has leaked it. */
  readonly drop: () => Promise<void>;
}

/** @param template the database to copy; left out: the new one is empty */
export async function createTestDatabase(template = 'template0'): Promise<TestDatabase> {
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2)}`;
  await createDatabase(name, template);
  return { url: urlOf(name), drop: () => dropDatabase(name) };
}

/** @param template the database to copy */
export async function createDatabase(name: string, template = 'template0'): Promise<void> {
  const owner = decodeURIComponent(new URL(thePostgres().ownerUrl).username);
  await administrate(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${template}`);
}

/** Does nothing if there is no such database. */
export async function dropDatabase(name: string): Promise<void> {
  const options = thePostgres().isPooled === true ? ' WITH (FORCE)' : '';
  await administrate(`DROP DATABASE IF EXISTS ${name}${options}`);
}

/** Runs a statement as the administrator, outside the databases of the tests. */
export async function administrate(statement: string): Promise<void> {
  const client = new Client({ connectionString: thePostgres().administratorUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** @returns the URL of a database of the run's PostgreSQL, for its owner */
export function urlOf(database: string): string {
  const url = new URL(thePostgres().ownerUrl);
  url.pathname = `/${database}`;
  return url.href;
}

function thePostgres(): Postgres {
  const given = process.env[VARIABLE];
  if (given === undefined) throw new Error("Jest's global set-up has started no PostgreSQL.");
  // Written by usePostgres.
  return JSON.parse(given) as Postgres;
}
