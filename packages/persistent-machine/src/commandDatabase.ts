/**
 * Gives a command the database that the server would use: that of DATABASE_URL, or an embedded one, which runs as
 * long as the command. Does not know the commands.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { type Configuration, readConfiguration } from './config';
import { findRunningPostgres, startEmbeddedPostgres } from './database/embedded';

/** @returns the configuration that the server would have */
export function readCommandConfiguration(): Configuration {
  if (existsSync('.env')) loadEnvFile('.env');
  return readConfiguration(process.env);
}

export async function useDatabase(
  command: (url: string, configuration: Configuration) => Promise<void>,
): Promise<void> {
  const configuration = readCommandConfiguration();
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
 * The same for a command that can run beside a server: if a server keeps the embedded database running, the command
 * connects to it.
 */
export async function visitDatabase(command: (url: string) => Promise<void>): Promise<void> {
  const { databaseUrl, dataDirectory } = readCommandConfiguration();
  const running = databaseUrl === undefined ? await findRunningPostgres(dataDirectory) : undefined;
  await (running === undefined ? useDatabase(command) : command(running));
}

/**
 * Runs a program that shares this process's input and output.
 *
 * @returns its exit code
 * @throws the system's error if there is no such program
 */
export async function runProgram(
  program: string,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const child = spawn(program, parameters, { stdio: 'inherit', env: environment });
  // The terminal sends Ctrl-C to the program as well. This process must outlive it, to stop PostgreSQL.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** Runs this process as a command, and prints a failure as one sentence. */
export function runCommand(command: () => Promise<void>): void {
  command().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
