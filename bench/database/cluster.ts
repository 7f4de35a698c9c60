/**
 * The PostgreSQL of a run: the product's embedded one, with the product's settings and fsync on, and with a database
 * for each target. Does not know the targets' tables.
 */
import { rm } from 'node:fs/promises';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from 'persistent-machine/database/embedded';
import { type Reading, readCost } from './cost';

export class Cluster {
  /** The directory of its files, whose disk decides how long a flush takes. */
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
      // Each round begins with a vacuum instead, so that no round pays for another one's dead rows.
      settings: { autovacuum: 'off' },
    });
    return new Cluster(directory, postgres);
  }

  /** @returns an empty database, owned by a role without superuser rights */
  async createDatabase(name: string): Promise<BenchmarkDatabase> {
    const { url, superuserUrl } = this.#postgres;
    const owner = decodeURIComponent(new URL(url).username);
    await this.#administrate(async (administrator) => {
      // A killed run may have left it behind.
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

  /** Stops PostgreSQL and deletes its files. */
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
    /** A URL for the role of the target. */
    readonly url: string,
    /** A superuser's connection, which prepares and measures. */
    readonly administrator: Client,
  ) {}

  /** Vacuums, analyses and checkpoints, so that the next round does not pay for earlier writes. */
  async settle(): Promise<void> {
    await this.administrator.query('VACUUM (ANALYZE)');
    await this.administrator.query('CHECKPOINT');
  }

  /** The number of births in its history. All targets have a table of this name. */
  async countBirths(): Promise<number> {
    const { rows } = await this.administrator.query<{ count: string }>(
      `SELECT count(*) FROM life_transitions WHERE event = 'Birth'`,
    );
    return Number(rows[0]?.count);
  }

  /** The database's costs so far. */
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
