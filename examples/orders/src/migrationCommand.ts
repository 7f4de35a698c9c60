/** The commands that change the schema: `run`, `revert` and `generate`. */
import { runMigrationCommand } from 'persistent-machine/migrationCommand';
import { createDataSource } from '../ormconfig';

runMigrationCommand(createDataSource);
