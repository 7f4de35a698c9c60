/**
 * Makes a TypeORM DataSource, or a bare pool, for any application. It knows neither entities and migrations, nor where
 * the database runs.
 */
import 'reflect-metadata';
import { Pool } from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';
import { type ConnectionLimits, poolSettings } from './connections';

export interface DataSourceSettings extends ConnectionLimits {
  /** A `postgresql://` URL. */
  readonly url: string;
  /** The most connections that this process opens. */
  readonly poolSize: number;
  /** The schema of the tables; undefined for the first one of the search path. */
  readonly schema?: string | undefined;
}

/** The tables and migrations of an application. */
export interface DatabaseContents {
  readonly machines: readonly { readonly entities: MachineTables }[];
  /** All migrations, oldest first. */
  readonly migrations: readonly (new () => MigrationInterface)[];
}

type EntityClass = new () => object;

/** The entities of one machine. */
interface MachineTables {
  readonly record: EntityClass;
  readonly history: EntityClass;
  readonly ledger: EntityClass;
}

/** @returns a DataSource that is not connected yet; `initialize()` connects it */
export function dataSourceOf(
  settings: DataSourceSettings,
  { machines, migrations }: DatabaseContents,
): DataSource {
  return new DataSource({
    type: 'postgres',
    poolSize: settings.poolSize,
    ...(settings.schema === undefined ? {} : { schema: settings.schema }),
    entities: machines.flatMap(({ entities: { record, history, ledger } }) => [
      record,
      history,
      ledger,
    ]),
    migrations: [...migrations],
    // The tables need no extension, and the role may lack the right to install one.
    installExtensions: false,
    logging: false,
    // The default logger would write a failed migration to the console, in spite of its settings. We log it ourselves.
    logger: 'debug',
    extra: poolSettings(settings.url, settings),
  });
}

/**
 * @returns a pool without TypeORM, which connects only for a statement, so that its database may be away at start
 */
export function createPool(settings: DataSourceSettings): Pool {
  const pool = new Pool({
    max: settings.poolSize,
    // Idle connections must not keep the process from ending.
    allowExitOnIdle: true,
    ...poolSettings(settings.url, settings),
  });
  // The pool replaces an idle connection that breaks when it needs one.
  pool.on('error', () => undefined);
  return pool;
}
