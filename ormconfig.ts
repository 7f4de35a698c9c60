/**
 * The TypeORM DataSource, for the application and for TypeORM's command line: its entities and its migrations. Does not
 * know where the database runs.
 */
import { type DataSourceSettings, dataSourceOf } from 'persistent-machine/database/dataSource';
import type { DataSource } from 'typeorm';
import { MIGRATIONS } from './migrations';
import { MACHINES } from './src/machines';

/** @returns a DataSource that `initialize()` connects */
export function createDataSource(settings: DataSourceSettings): DataSource {
  return dataSourceOf(settings, { machines: MACHINES, migrations: MIGRATIONS });
}

const { DATABASE_URL = '' } = process.env;
/** TypeORM's command line takes no settings but these. */
export default createDataSource({
  url: DATABASE_URL === '' ? 'postgresql://' : DATABASE_URL,
  poolSize: 1,
  connectTimeout: 5_000,
});
