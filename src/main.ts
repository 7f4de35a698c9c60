/** The process: reads the environment, starts the application, and stops it when told to. */
import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import pino from 'pino';
import { type Application, StartError, startApplication } from './application';
import { ConfigurationError, readConfiguration } from './config';
import { EmbeddedPostgresError } from './database/embedded';
import { UnsupportedVersion } from './database/version';

async function main(): Promise<void> {
  if (existsSync('.env')) loadEnvFile('.env');
  const configuration = readConfiguration(process.env);
  const log = pino({
    level: configuration.logLevel,
    ...(process.stdout.isTTY ? { transport: { target: 'pino-pretty' } } : {}),
  });

  const starting = startApplication(configuration, log);
  stopOnSignals(starting, configuration.shutdownGrace, log);
  const { url } = await starting;
  log.info(`Ready at ${url}/graphql`);
}

/**
 * A signal may come more than once (npm passes on what the terminal sends to everybody), and while things
 * still start: the first one counts.
 */
function stopOnSignals(starting: Promise<Application>, grace: number, log: pino.Logger): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info(`Stopping on ${signal}`);
    const overdue = setTimeout(() => {
      log.warn(`Not all had ended ${grace} ms after ${signal}`);
      // What has not ended by now may never.
      process.exit(1);
    }, grace);
    const application = await starting.catch(() => undefined);
    // From a terminal, nobody is to notice.
    await application?.stop(signal === 'SIGTERM' ? grace : 0);
    clearTimeout(overdue);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, (received) => void stop(received));
  }
}

/** What a person can mend is told in a sentence; anything else with its stack. */
function isForPeople(error: unknown): error is Error {
  return (
    error instanceof ConfigurationError ||
    error instanceof StartError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof UnsupportedVersion
  );
}

main().catch((error: unknown) => {
  console.error(isForPeople(error) ? error.message : error);
  process.exitCode = 1;
});
