/**
 * Runs a command beside the database that the server would use, which it finds in DATABASE_URL: what develops the
 * server and the TypeORM command line cannot start an embedded PostgreSQL themselves. Does not know what the
 * command does.
 */
import { runCommand, runProgram, useDatabase } from './commandDatabase';

const [command = '', ...parameters] = process.argv.slice(2);

runCommand(() =>
  useDatabase(async (url) => {
    const environment = { ...process.env, DATABASE_URL: url };
    process.exitCode = await runProgram(command, parameters, environment);
  }),
);
