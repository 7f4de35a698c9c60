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
  /** The administrator's URLs of the other nodes of a cluster, on which each database is made, too. */
  readonly workers?: readonly string[];
  /** The template of empty databases. Default: PostgreSQL's own. */
  readonly empty?: string;
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
export async function createTestDatabase(template?: string): Promise<TestDatabase> {
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2)}`;
  await createDatabase(name, template);
  return { url: urlOf(name), drop: () => dropDatabase(name) };
}

/** @param template the database to copy */
export async function createDatabase(
  name: string,
  template = thePostgres().empty ?? 'template0',
): Promise<void> {
  const owner = decodeURIComponent(new URL(thePostgres().ownerUrl).username);
  await administrateAll(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${template}`);
}

/**
 * Makes a database of a cluster one that can be copied: PostgreSQL lets no session connect to it, not even Citus's
 * background workers.
 */
export async function sealTemplate(name: string): Promise<void> {
  if (thePostgres().workers === undefined) return;
  await administrateAll(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await administrateAll(
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
}

/** Does nothing if there is no such database. */
export async function dropDatabase(name: string): Promise<void> {
  const options = thePostgres().isPooled === true ? ' WITH (FORCE)' : '';
  await administrateAll(`DROP DATABASE IF EXISTS ${name}${options}`);
}

/** Runs a statement as the administrator, outside the databases of the tests. */
export async function administrate(
  statement: string,
  url = thePostgres().administratorUrl,
): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Runs a statement as the administrator on each node. */
export async function administrateAll(statement: string): Promise<void> {
  const { administratorUrl, workers = [] } = thePostgres();
  await Promise.all(
    [administratorUrl, ...workers].map(async (url) => administrate(statement, url)),
  );
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
