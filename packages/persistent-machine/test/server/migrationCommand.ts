/** The command that runs the migrations of these tests' application. */
import { runMigrationCommand } from 'persistent-machine/migrationCommand';
import { served } from './served';

runMigrationCommand(served.createDataSource);
