/**
 * Runs a command beside the database that the server would use, which it finds in DATABASE_URL: what develops the
 * server and the TypeORM command line cannot start an embedded PostgreSQL themselves. Does not know what the
 * command does.
 */
import { runBeside, useDatabase } from './commandDatabase';

const [command = '', ...parameters] = process.argv.slice(2);

useDatabase(async (url) => {
  process.exitCode = await runBeside(url, command, parameters);
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
