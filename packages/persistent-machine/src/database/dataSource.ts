/**
 * How a TypeORM DataSource and a bare pool connect. Owns what holds for any application; does not know its entities
 * and migrations, nor where the database runs.
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
  /** In which the tables are; undefined: in the first of the search path. */
  readonly schema?: string | undefined;
}

/** What an application has in its database. */
export interface DatabaseContents {
  readonly machines: readonly { readonly entities: MachineTables }[];
  /** All of them, the oldest first. */
  readonly migrations: readonly (new () => MigrationInterface)[];
}

type EntityClass = new () => object;

/** Of one machine. */
interface MachineTables {
  readonly record: EntityClass;
  readonly history: EntityClass;
  readonly ledger: EntityClass;
}

/** @returns a DataSource that is not connected yet: `initialize()` connects it */
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
  // An idle connection that breaks is replaced when the next one is wanted.
  pool.on('error', () => undefined);
  return pool;
}
