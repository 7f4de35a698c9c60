/**
 * Runs a command with DATABASE_URL set to the database that the server would use. For commands that cannot start the
 * embedded PostgreSQL themselves, such as TypeORM's command line. Does not know the command.
 */
import { runCommand, runProgram, useDatabase } from './commandDatabase';

const [command = '', ...parameters] = process.argv.slice(2);

runCommand(() =>
  useDatabase(async (url) => {
    const environment = { ...process.env, DATABASE_URL: url };
    process.exitCode = await runProgram(command, parameters, environment);
  }),
);
