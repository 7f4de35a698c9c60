/**
 * Runs a command beside the database that the server would use, which it finds in DATABASE_URL: the TypeORM
 * command line cannot start an embedded PostgreSQL itself. Does not know what the command does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { readConfiguration } from './config';
import { startEmbeddedPostgres } from './database/embedded';

async function withDatabase([command = '', ...parameters]: readonly string[]): Promise<void> {
  if (existsSync('.env')) loadEnvFile('.env');
  const { databaseUrl, dataDirectory } = readConfiguration(process.env);
  const embedded =
    databaseUrl === undefined
      ? await startEmbeddedPostgres({
          directory: dataDirectory,
          log: (message) => {
            console.error(message);
          },
        })
      : undefined;
  try {
    const child = spawn(command, parameters, {
      stdio: 'inherit',
      env: { ...process.env, DATABASE_URL: databaseUrl ?? embedded?.url },
    });
    // The terminal sends Ctrl-C to the command as well. We outlive it in any case, to stop PostgreSQL.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number | null];
    process.exitCode = code ?? 1;
  } finally {
    await embedded?.stop();
  }
}

withDatabase(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
