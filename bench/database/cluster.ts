/**
 * The PostgreSQL of a run: the product's embedded one, with its own settings and fsync on, and in it a
 * database for each target. Does not know the targets' tables.
 */
import { rm } from 'node:fs/promises';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from 'persistent-machine/database/embedded';
import { type Reading, readCost } from './cost';

export class Cluster {
  /** Where its files are, and so what flushing them takes. */
  readonly directory: string;
  readonly #postgres: EmbeddedPostgres;
  readonly #databases: BenchmarkDatabase[] = [];

  private constructor(directory: string, postgres: EmbeddedPostgres) {
    this.directory = directory;
    this.#postgres = postgres;
  }

  static async start(directory: string): Promise<Cluster> {
    const postgres = await startEmbeddedPostgres({
      directory,
      log: () => undefined,
      // A round begins vacuumed and analysed instead: else one round would pay for what others left behind.
      settings: { autovacuum: 'off' },
    });
    return new Cluster(directory, postgres);
  }

  /** @returns an empty one, owned by a role that is no superuser */
  async createDatabase(name: string): Promise<BenchmarkDatabase> {
    const { url, superuserUrl } = this.#postgres;
    const owner = decodeURIComponent(new URL(url).username);
    await this.#administrate(async (administrator) => {
      // Of a run that was killed.
      await administrator.query(`DROP DATABASE IF EXISTS ${name}`);
      await administrator.query(`CREATE DATABASE ${name} OWNER ${owner}`);
    });
    const database = new BenchmarkDatabase(
      urlTo(url, name),
      await connect(urlTo(superuserUrl, name)),
    );
    this.#databases.push(database);
    return database;
  }

  async version(): Promise<string> {
    return this.#administrate(async (administrator) => {
      const { rows } = await administrator.query<{ server_version: string }>('SHOW server_version');
      return rows[0]?.server_version ?? '';
    });
  }

  /** Stops it and throws everything away. */
  async stop(): Promise<void> {
    for (const { administrator } of this.#databases) await administrator.end();
    await this.#postgres.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #administrate<Result>(work: (administrator: Client) => Promise<Result>): Promise<Result> {
    const administrator = await connect(this.#postgres.superuserUrl);
    try {
      return await work(administrator);
    } finally {
      await administrator.end();
    }
  }
}

export class BenchmarkDatabase {
  constructor(
    /** As the role of the target. */
    readonly url: string,
    /** As superuser, for what is measured and prepared. */
    readonly administrator: Client,
  ) {}

  /** Done with whatever was written before, so that the next round does not pay for it. */
  async settle(): Promise<void> {
    await this.administrator.query('VACUUM (ANALYZE)');
    await this.administrator.query('CHECKPOINT');
  }

  /** How many births its history has; all targets have a table of this name. */
  async countBirths(): Promise<number> {
    const { rows } = await this.administrator.query<{ count: string }>(
      `SELECT count(*) FROM life_transitions WHERE event = 'Birth'`,
    );
    return Number(rows[0]?.count);
  }

  /** What it has cost so far. */
  async readCost(): Promise<Reading> {
    return readCost(this.administrator);
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

function urlTo(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}
