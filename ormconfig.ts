/**
 * The TypeORM DataSource, for the application and for the TypeORM command line. Owns which entities there are; does not
 * know where the database runs.
 */
import { type DataSourceSettings, dataSourceOf } from 'persistent-machine/database/dataSource';
import type { DataSource } from 'typeorm';
import { MIGRATIONS } from './migrations';
import { MACHINES } from './src/machines';

/** @returns a DataSource that is not connected yet: `initialize()` connects it */
export function createDataSource(settings: DataSourceSettings): DataSource {
  return dataSourceOf(settings, { machines: MACHINES, migrations: MIGRATIONS });
}

const { DATABASE_URL = '' } = process.env;
/** For TypeORM's own command line, which takes no other settings. */
export default createDataSource({
  url: DATABASE_URL === '' ? 'postgresql://' : DATABASE_URL,
  poolSize: 1,
  connectTimeout: 5_000,
});
