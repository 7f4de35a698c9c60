/**
 * Starts and stops the parts of an application. The only place that knows them all. Does not know the process: its
 * environment, its signals, its exit.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { uuidv7 } from 'uuidv7';
import { Parts } from './application/Parts';
import { Readiness } from './application/Readiness';
import { Waiting } from './application/Waiting';
import {
  type OpenedDatabase,
  mostDatabaseConnections,
  startDatabase,
} from './application/database';
import { announcement, listening, tryToListen } from './application/listening';
import { startMachines } from './application/machines';
import { readerOfPages } from './application/replica';
import type { Configuration } from './config';
import { type ServedMachine, createSchema } from './graphql/schema';
import { Metrics } from './metrics';
import type { CreateDataSource } from './openDatabase';
import type { MachineEntities } from './operations/tables';
import { roomForConnections } from './server/connections';
import { type Dashboard, isBuilt } from './server/dashboard';
import { createServer } from './server/server';
import { recognition } from './operations/recognition';
import type { Tracing } from './tracing';

export { StartError, isForPeople } from './application/errors';

/** A machine with its tables. */
export interface KeptMachine extends ServedMachine {
  readonly entities: MachineEntities;
}

/** What an application serves. */
export interface Served {
  /** At least one, with different names, in the order in which `node` looks for an id. */
  readonly machines: readonly KeptMachine[];
  readonly createDataSource: CreateDataSource;
  /** The path of a file with the operations that the playground offers. */
  readonly playground?: string;
  /** Without it, there is no page at `/`. */
  readonly dashboard?: Dashboard;
}

export interface Application {
  /** The URL that it listens at. */
  readonly url: string;
  /**
   * Lets requests in flight end, then stops everything else. A second call joins the first.
   *
   * @param grace how long it may take, in milliseconds. If a load balancer has probed, the server uses a part of it
   *   to let the load balancer notice. The default is 0.
   */
  stop(grace?: number): Promise<void>;
}

export interface StartOptions {
  readonly tracing?: Tracing | undefined;
  /** Aborted when the process shall stop; ends the wait for the database. */
  readonly stopping?: AbortSignal;
}

/**
 * How many connections may wait to be accepted. Node's default of 511 overflows during one long turn of the event
 * loop, and the kernel then resets connections on which clients have already sent requests.
 */
const BACKLOG = 4_096;

/**
 * Starts all parts, the database first. While the database of DATABASE_URL cannot be reached or is not migrated yet,
 * the server already listens, but is not ready.
 *
 * @throws the error of the part that failed to start, after it has stopped the others
 */
export async function startApplication(
  served: Served,
  configuration: Configuration,
  log: FastifyBaseLogger,
  options: StartOptions = {},
): Promise<Application> {
  const parts = new Parts(log);
  try {
    return await startParts(served, configuration, log, options, parts);
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

async function startParts(
  served: Served,
  configuration: Configuration,
  log: FastifyBaseLogger,
  { tracing, stopping = new AbortController().signal }: StartOptions,
  parts: Parts,
): Promise<Application> {
  await tryToListen(configuration);
  const mostConnections = roomForConnections(mostDatabaseConnections(configuration));
  const waiting = new Waiting(configuration, mostConnections, log);
  const opened = await startDatabase(served, configuration, log, parts, waiting, stopping);
  const readiness = new Readiness(() => opened.tableWatch.isWell);
  const metrics = new Metrics();
  const machines = startMachines(served.machines, {
    configuration,
    log,
    metrics,
    parts,
    opened,
    pages: pagesOf(opened, configuration, log, parts),
    tracer: tracing?.groups,
    onBrokenLedger: () => {
      readiness.end();
    },
  });
  const server = await createServer(
    {
      ...configuration,
      mostConnections,
      dashboard: served.dashboard,
      playground: configuration.playground ? { operations: served.playground } : undefined,
      log,
      metrics,
      isReady: () => readiness.probe(),
      lingering: () => readiness.lingering,
      // Until an outage has lasted that long, requests wait for the database.
      isDatabaseDown: () => opened.database.isDown(configuration.requestTimeout),
      onRequest: tracing?.nameRequest,
    },
    createSchema(served.machines),
    { machines, newId: uuidv7 },
  );
  parts.add(() => server.close());
  await waiting.leave();
  const { host } = configuration;
  const offers = {
    dashboard: served.dashboard !== undefined && isBuilt(served.dashboard),
    playground: configuration.playground,
  };
  const listens = server.listen({
    host,
    port: waiting.port,
    backlog: BACKLOG,
    // Fastify logs a line for each of its addresses: it may as well say what is there.
    listenTextResolver: (address) => announcement(address, offers),
  });
  const url = await listening(listens, configuration);

  const leave = async (grace: number): Promise<void> => {
    const notice = readiness.leave(grace);
    if (notice > 0) await delay(notice);
    await parts.stop();
  };
  let stopped: Promise<void> | undefined;
  return { url, stop: (grace = 0) => (stopped ??= leave(grace)) };
}

function pagesOf(
  { database, tables }: OpenedDatabase,
  configuration: Configuration,
  log: FastifyBaseLogger,
  parts: Parts,
): ReturnType<typeof readerOfPages> {
  const proofs = tables.map((each) => ({ table: each.history, ...recognition(each) }));
  return readerOfPages(database, proofs, configuration, log, parts);
}
