/**
 * Puts the parts together, and takes them apart again. The only place that knows them all; does not know
 * the process it runs in: its environment, its signals, its exit.
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

/** A machine with what it is kept in. */
export interface KeptMachine extends ServedMachine {
  readonly entities: MachineEntities;
}

/** What is served: machines, what they are kept in, and how they are asked for. */
export interface Served {
  /** One of them at least, in the order in which `node` looks for an id; no two of one name. */
  readonly machines: readonly KeptMachine[];
  readonly createDataSource: CreateDataSource;
  /** The path of a file of operations that the playground offers; left out: it begins with none. */
  readonly playground?: string;
  /** Left out: there is nothing at `/`. */
  readonly dashboard?: Dashboard;
}

export interface Application {
  /** Where it listens. */
  readonly url: string;
  /**
   * Ends requests in flight, then everything else; calling it twice is the same as once.
   *
   * @param grace how long it may take, in milliseconds: a part of it goes to letting load balancers notice,
   *   where one has been seen; left out: nobody is waited for
   */
  stop(grace?: number): Promise<void>;
}

export interface StartOptions {
  readonly tracing?: Tracing | undefined;
  /** Aborted when the application is no longer wanted: then the database is not looked for once more. */
  readonly stopping?: AbortSignal;
}

/**
 * How many connections may wait to be taken. Node's 511 overflow while a busy event loop makes one long turn, and
 * the kernel then resets connections whose clients have already asked: nobody could answer those.
 */
const BACKLOG = 4_096;

/**
 * Starts everything that the configuration asks for, the database's end first. While the database of
 * DATABASE_URL is not there yet, or not up to date, it already listens, and is not ready.
 *
 * @throws whatever kept a part from starting, once what had started is stopped
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
      // For as long as that, a client that asks waits for it.
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
