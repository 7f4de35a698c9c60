/**
 * Gives a command the database that the server would use: that of DATABASE_URL, or an embedded one, which runs as
 * long as the command. Does not know the commands.
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
 * Runs a program with DATABASE_URL set.
 *
 * @returns the program's exit code
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
  // The terminal sends Ctrl-C to the program as well. This process must outlive it, to stop PostgreSQL.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
