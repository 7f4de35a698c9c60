/**
 * The process: reads the environment, starts an application, and stops it on a signal. Its imports must not load http,
 * graphql or pg, because tracing must patch them first.
 */
import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import pino from 'pino';
import type * as application from './application';
import { ConfigurationError, misspelled, readConfiguration } from './config';
import { serializers } from './log';
import type * as tracing from './tracing';

/* eslint-disable @typescript-eslint/no-require-imports -- They must be loaded late, or never. */
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
    // A signal came while it waited for the database: it has stopped.
    if (error !== stopping.signal.reason) throw error;
  }
}

/**
 * Only the first signal counts: npm passes on signals that the terminal has sent to this process as well. It may come
 * while the application still starts.
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
      log.warn(`The shutdown took longer than ${grace} ms after ${signal}: exiting`);
      // A part that hangs may never end.
      process.exit(1);
    }, grace);
    const application = await starting.catch(() => undefined);
    // After Ctrl-C, there is no load balancer to wait for.
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
 * @param load called once, after tracing has been set up
 */
export function serve(load: () => application.Served): void {
  main(load).catch((error: unknown) => {
    const forPeople = error instanceof ConfigurationError || loadApplication().isForPeople(error);
    console.error(forPeople ? error.message : error);
    process.exitCode = 1;
  });
}
