/**
 * The database that the server would use, for a command: the one of DATABASE_URL, or the embedded one, started for
 * as long as the command runs. Does not know the commands.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { type Configuration, readConfiguration } from './config';
import { startEmbeddedPostgres } from './database/embedded';

export async function useDatabase(
  command: (url: string, configuration: Configuration) => Promise<void>,
): Promise<void> {
  if (existsSync('.env')) loadEnvFile('.env');
  const configuration = readConfiguration(process.env);
  const { databaseUrl, dataDirectory } = configuration;
  if (databaseUrl !== undefined) {
    await command(databaseUrl, configuration);
    return;
  }
  const embedded = await startEmbeddedPostgres({
    directory: dataDirectory,
    log: (message) => {
      console.error(message);
    },
  });
  try {
    await command(embedded.url, configuration);
  } finally {
    await embedded.stop();
  }
}

/**
 * Runs a program beside the database, which it finds in DATABASE_URL.
 *
 * @returns the code that it ends with
 */
export async function runBeside(
  url: string,
  program: string,
  parameters: readonly string[],
): Promise<number> {
  const child = spawn(program, parameters, {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: url },
  });
  // The terminal sends Ctrl-C to the program as well. We outlive it in any case, to stop PostgreSQL.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
