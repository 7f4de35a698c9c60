/**
 * The TypeORM DataSource, for the application and for the TypeORM command line. Owns which entities and
 * migrations there are and how the connection pool behaves; does not know where the database runs.
 */
import 'reflect-metadata';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Lives1764000000000 } from './migrations/1764000000000-Lives';
import { type ConnectionLimits, poolSettings } from './src/database/connections';
import { Ledger, Life, LifeTransition } from './src/entities';

export interface DataSourceSettings extends ConnectionLimits {
  /** A `postgresql://` URL. */
  readonly url: string;
  /** The most connections that this process opens. */
  readonly poolSize: number;
  /** In which the tables are; undefined: in the first of the search path. */
  readonly schema?: string | undefined;
}

/** All migrations, the oldest first. */
export const MIGRATIONS = [Lives1764000000000] as const;

/**
 * @returns a DataSource that is not connected yet: `initialize()` connects it
 */
export function createDataSource(settings: DataSourceSettings): DataSource {
  return new DataSource({
    type: 'postgres',
    poolSize: settings.poolSize,
    ...(settings.schema === undefined ? {} : { schema: settings.schema }),
    entities: [Life, LifeTransition, Ledger],
    migrations: [...MIGRATIONS],
    // The tables need no extension, and the application's role may have no right to install one.
    installExtensions: false,
    logging: false,
    // Whatever its settings, it would tell of a migration that fails on the console, where we tell it ourselves.
    logger: 'debug',
    extra: poolSettings(settings.url, settings),
  });
}

/**
 * @returns a pool without TypeORM: it connects only when it is asked something, so that what it is for may be
 *   missing, then and later
 */
export function createPool(settings: DataSourceSettings): Pool {
  const pool = new Pool({
    max: settings.poolSize,
    // Idle ones do not keep the process from ending, should they hang.
    allowExitOnIdle: true,
    ...poolSettings(settings.url, settings),
  });
  // An idle connection that dies is replaced when the next one is wanted.
  pool.on('error', () => undefined);
  return pool;
}

const { DATABASE_URL = '' } = process.env;
/**
 * For the command line, which takes no other settings: `npm run migration:generate` gives it the URL, in which the
 * search path names the schema of the tables.
 */
export default createDataSource({
  url: DATABASE_URL === '' ? 'postgresql://' : DATABASE_URL,
  poolSize: 1,
  connectTimeout: 5_000,
});
