/**
 * The process: reads the environment, starts an application, and stops it when told to. What is imported here
 * loads neither http nor graphql nor pg: tracing, where it is wanted, must be there before them.
 */
import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import pino from 'pino';
import type * as application from './application';
import { ConfigurationError, misspelled, readConfiguration } from './config';
import { serializers } from './log';
import type * as tracing from './tracing';

/* eslint-disable @typescript-eslint/no-require-imports -- When they are loaded, if at all, is the point. */
const loadTracing = () => require('./tracing') as typeof tracing;
const loadApplication = () => require('./application') as typeof application;
/* eslint-enable @typescript-eslint/no-require-imports */

/** On a terminal: the process and the machine are the reader's own. */
const FOR_PEOPLE = {
  target: 'pino-pretty',
  options: { ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' },
};

async function main(load: () => application.Served): Promise<void> {
  if (existsSync('.env')) loadEnvFile('.env');
  const configuration = readConfiguration(process.env);
  const onFailure = (reason: string): void => {
    log.warn({ reason }, 'Traces cannot be exported');
  };
  const traces =
    configuration.traces && loadTracing().startTracing({ ...configuration.traces, onFailure });
  const log = pino({
    level: configuration.logLevel,
    serializers,
    ...(traces ? { mixin: traces.idsOfLine } : {}),
    ...(process.stdout.isTTY ? { transport: FOR_PEOPLE } : {}),
  });

  for (const doubt of misspelled(process.env)) log.warn(doubt);

  const stopping = new AbortController();
  const starting = loadApplication().startApplication(load(), configuration, log, {
    tracing: traces,
    stopping: stopping.signal,
  });
  stopOnSignals(starting, stopping, traces, configuration.shutdownGrace, log);
  try {
    await starting;
  } catch (error) {
    // Told to stop before there was a database, it has.
    if (error !== stopping.signal.reason) throw error;
  }
}

/**
 * A signal may come more than once (npm passes on what the terminal sends to everybody), and while things
 * still start: the first one counts.
 */
function stopOnSignals(
  starting: Promise<application.Application>,
  stopping: AbortController,
  traces: tracing.Tracing | undefined,
  grace: number,
  log: pino.Logger,
): void {
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    log.info(`Stopping on ${signal}`);
    const overdue = setTimeout(() => {
      log.warn(`Not all had ended ${grace} ms after ${signal}`);
      // What has not ended by now may never.
      process.exit(1);
    }, grace);
    const application = await starting.catch(() => undefined);
    // From a terminal, nobody is to notice.
    await application?.stop(signal === 'SIGTERM' ? grace : 0);
    await traces?.stop();
    clearTimeout(overdue);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, (received) => void stop(received));
  }
}

/**
 * Runs this process as a server, until a signal ends it.
 *
 * @param load called once, when what it loads may be loaded
 */
export function serve(load: () => application.Served): void {
  main(load).catch((error: unknown) => {
    const forPeople = error instanceof ConfigurationError || loadApplication().isForPeople(error);
    console.error(forPeople ? error.message : error);
    process.exitCode = 1;
  });
}
