/**
 * Runs a command with DATABASE_URL set to the database that the server would use. For commands that cannot start the
 * embedded PostgreSQL themselves, such as TypeORM's command line. Does not know the command.
 */
import { runBeside, useDatabase } from './commandDatabase';

const [command = '', ...parameters] = process.argv.slice(2);

useDatabase(async (url) => {
  process.exitCode = await runBeside(url, command, parameters);
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
