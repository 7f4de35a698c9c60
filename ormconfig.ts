/**
 * The TypeORM DataSource, for the application and for the TypeORM command line. Owns which entities and
 * migrations there are; does not know where the database runs.
 */
import { type DataSourceSettings, dataSourceOf } from 'persistent-machine/database/dataSource';
import type { DataSource } from 'typeorm';
import { Lives1764000000000 } from './migrations/1764000000000-Lives';
import { Ledger, Life, LifeTransition } from './src/entities';

/** All migrations, the oldest first. */
export const MIGRATIONS = [Lives1764000000000] as const;

/** @returns a DataSource that is not connected yet: `initialize()` connects it */
export function createDataSource(settings: DataSourceSettings): DataSource {
  return dataSourceOf(settings, {
    entities: [Life, LifeTransition, Ledger],
    migrations: [...MIGRATIONS],
  });
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
