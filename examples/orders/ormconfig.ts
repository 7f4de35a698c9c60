/** The TypeORM DataSource: its entities and its migrations. Does not know where the database runs. */
import { type DataSourceSettings, dataSourceOf } from 'persistent-machine/database/dataSource';
import type { DataSource } from 'typeorm';
import { MIGRATIONS } from './migrations';
import { MACHINES } from './src/machines';

export function createDataSource(settings: DataSourceSettings): DataSource {
  return dataSourceOf(settings, { machines: MACHINES, migrations: MIGRATIONS });
}
