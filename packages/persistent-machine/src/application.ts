/**
 * Puts the parts together, and takes them apart again. The only place that knows them all; does not know
 * the process it runs in: its environment, its signals, its exit.
 */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { uuidv7 } from 'uuidv7';
import type { Configuration } from './config';
import { Database, type Reader } from './database/Database';
import { proveReplica } from './database/replica';
import { ReplicaFirst } from './database/ReplicaFirst';
import { TableWatch, awaitDatabase, reasonOf, withoutRepetition } from './database/awaitDatabase';
import { createPool } from './database/dataSource';
import { EmbeddedPostgresError, startEmbeddedPostgres } from './database/embedded';
import { TablesMissing, UnusableDatabase } from './database/failures';
import { Feed } from './feed/Feed';
import { Notifier } from './feed/Notifier';
import type { AnyLifecycle, RecordOf } from './machine';
import { Metrics } from './metrics';
import { recognition } from './operations/recognition';
import type { MachineEntities } from './operations/tables';
import { parseDatabaseUrl, placeOf } from './database/url';
import { type CreateDataSource, openDatabase } from './openDatabase';
import { Machines, type Services } from './graphql/context';
import { type Resolvers, createSchema } from './graphql/schema';
import { roomForConnections } from './server/connections';
import type { Dashboard } from './server/dashboard';
import { createServer } from './server/server';
import { type WaitingRoom, openWaitingRoom } from './server/waitingRoom';
import { Lanes } from './store/Lanes';
import { MachineReader } from './store/MachineReader';
import { MachineStore } from './store/MachineStore';
import type { Tracing } from './tracing';

/** What is served: a kind of machine, with what it is kept in, and asked for by. */
export interface Served<L extends AnyLifecycle> {
  readonly lifecycle: L;
  readonly entities: MachineEntities<RecordOf<L>>;
  readonly createDataSource: CreateDataSource;
  readonly resolvers: Resolvers;
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

/**
 * How many connections may wait to be taken. Node's 511 overflow while a busy event loop makes one long turn, and
 * the kernel then resets connections whose clients have already asked: nobody could answer those.
 */
const BACKLOG = 4_096;

/** How long a subscriber may stay away before it is told that it lags, in milliseconds. */
const LAG_LIMIT = 60_000;

/**
 * Parts of the grace period. New connections are still taken for the first, since a load balancer learns only
 * by and by that we are not ready. Open connections may still be used for the second. What is left is for
 * requests in flight, and for the database.
 */
const NOTICE = 0.2;
const LINGERING = 0.1;

/** Something that the configuration names cannot be had. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What a person can mend is told in a sentence; anything else with its stack. */
export function isForPeople(error: unknown): error is Error {
  return (
    error instanceof StartError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof UnusableDatabase
  );
}

function cannotListen({ host, port }: Configuration): string {
  return `HOST=${host} and PORT=${port} cannot be listened on`;
}

/** How many connections to databases there may be: two pools, and one that listens for the feed. */
function descriptorsOfDatabases({ databasePoolSize, databaseReplicaUrl }: Configuration): number {
  return databasePoolSize * (databaseReplicaUrl === undefined ? 1 : 2) + 1;
}

/** Whatever keeps a part from starting, told as a sentence about the variable that names it. */
async function start<T>(starting: Promise<T>, sentence: string): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`${sentence}: ${reason}`, { cause: error });
  }
}

/**
 * Starts everything that the configuration asks for, the database's end first. While the database of
 * DATABASE_URL is not there yet, or not up to date, it already listens, and is not ready.
 *
 * @param stopping aborted when it is no longer wanted: then the database is not looked for once more
 * @throws whatever kept a part from starting, once what had started is stopped
 */
export async function startApplication<L extends AnyLifecycle>(
  { lifecycle, entities, createDataSource, resolvers, dashboard }: Served<L>,
  configuration: Configuration,
  log: FastifyBaseLogger,
  {
    tracing,
    stopping = new AbortController().signal,
  }: { readonly tracing?: Tracing | undefined; readonly stopping?: AbortSignal } = {},
): Promise<Application> {
  /** How to stop what has started, the last one first. */
  const started: (() => Promise<unknown>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const stop of started.splice(0).reverse()) {
      await stop().catch((error: unknown) => {
        log.error({ err: error }, 'A part did not stop');
      });
    }
  };
  try {
    let { databaseUrl } = configuration;
    // Leaves time to find out what became of a statement that was given up.
    const statementTimeout = Math.ceil(configuration.requestTimeout * 0.4);
    if (databaseUrl === undefined) {
      const postgres = await startEmbeddedPostgres({
        directory: configuration.dataDirectory,
        log: (message) => {
          log.info(message);
        },
      });
      started.push(() => postgres.stop());
      databaseUrl = postgres.url;
    }

    const { host } = configuration;
    const dataSourceSettings = {
      url: databaseUrl,
      poolSize: configuration.databasePoolSize,
      // Neither may take all of a request's time.
      connectTimeout: statementTimeout,
      // Through a pooler that forgets prepared statements, none can be set.
      statementTimeout: configuration.preparedStatements ? statementTimeout : undefined,
    };
    const mostConnections = roomForConnections(descriptorsOfDatabases(configuration));
    let { port } = configuration;
    let waitingRoom: Promise<WaitingRoom> | undefined;
    const enterWaitingRoom = async (): Promise<void> => {
      waitingRoom ??= start(
        openWaitingRoom({ ...configuration, port, mostConnections }, log),
        cannotListen(configuration),
      );
      try {
        ({ port } = await waitingRoom);
      } catch (error) {
        waitingRoom = undefined;
        throw error;
      }
    };
    const leaveWaitingRoom = async (): Promise<void> => {
      // What kept it from opening has been told.
      const room = await waitingRoom?.catch(() => undefined);
      waitingRoom = undefined;
      await room?.close();
    };
    started.push(leaveWaitingRoom);
    const { migrateOnStart } = configuration;
    const patient = withoutRepetition(log);
    const { dataSource, tables, check } = await awaitDatabase(
      () =>
        openDatabase({ entities, createDataSource }, dataSourceSettings, {
          migrateIt: migrateOnStart,
          log: patient,
        }),
      log,
      enterWaitingRoom,
      stopping,
    );
    started.push(() => dataSource.destroy());
    const place =
      configuration.databaseUrl === undefined
        ? `the embedded PostgreSQL in ${resolve(configuration.dataDirectory)}`
        : placeOf(parseDatabaseUrl(configuration.databaseUrl));
    log.info(`Using ${place}, schema ${tables.schema}`);

    const tableWatch = new TableWatch(check, log);
    started.push(() => tableWatch.stop());
    let ready = true;
    /** Whether anybody has asked, as load balancers do, and nobody in development does. */
    let isWatched = false;
    let lingering = 0;
    const database = new Database(dataSource, {
      preparedStatements: configuration.preparedStatements,
      // A little longer than the database's own, so that it is the database who says that nothing was applied.
      statementTimeout: statementTimeout * 1.2,
      observer: {
        onLoss: ({ message, cause }) => {
          log.warn({ cause: String(cause) }, `Without the database: ${message}`);
        },
        onReturn: () => {
          log.info('The database answers again');
        },
        onMissingTables: (failure) => {
          tableWatch.suspect(failure);
        },
      },
    });
    const metrics = new Metrics();
    const { requestTimeout: timeout } = configuration;
    const lanes = new Lanes({
      queueSize: configuration.maxQueue,
      tracer: tracing?.groups,
      onGroup: (lane, size, waited) => {
        metrics.countGroup(lane, size, waited);
      },
    });
    const notifier = configuration.listen
      ? new Notifier(database, tables.channel, (error) => {
          log.error({ err: error }, 'Other instances cannot be notified: they look by themselves');
        })
      : undefined;
    const store = new MachineStore(database, tables, lifecycle, {
      lanes,
      timeout,
      now: () => new Date(),
      onTransition: (event, outcome) => {
        metrics.countTransition(event, outcome);
      },
      onCommit: () => {
        feed.changed();
        notifier?.changed();
      },
      onBrokenLedger: (error) => {
        ready = false;
        log.fatal({ err: error }, 'The ledger is broken: no more changes are accepted');
      },
    });
    let pages: Reader = database;
    if (configuration.databaseReplicaUrl !== undefined) {
      // Each half as long as the primary's, which may be asked after it and in the same request's time.
      const patience = Math.ceil(statementTimeout / 2);
      const pool = createPool({
        url: configuration.databaseReplicaUrl,
        poolSize: configuration.databasePoolSize,
        connectTimeout: patience,
        statementTimeout: configuration.preparedStatements ? patience : undefined,
      });
      started.push(async () => {
        // Not waited for: a replica may hang, and nothing of ours is left there.
        void pool.end();
        return Promise.resolve();
      });
      const replica = new Database(pool, {
        preparedStatements: configuration.preparedStatements,
        statementTimeout: patience * 1.2,
      });
      const proof = { table: tables.history, ...recognition(tables) };
      pages = new ReplicaFirst(replica, database, {
        prove: async () => proveReplica(replica, database, proof),
        onTrouble: (error) => {
          const cause = error instanceof Error && error.cause ? ` (${reasonOf(error.cause)})` : '';
          log.warn(
            `The replica is not used, and its reads go to the primary: ${reasonOf(error)}${cause}`,
          );
        },
      });
    }
    const reader = new MachineReader(database, tables, lifecycle, { lanes, timeout, pages });
    const feed = new Feed(reader, store, {
      url: databaseUrl,
      channel: tables.channel,
      ownPayload: notifier?.sender,
      listen: configuration.listen,
      patience: LAG_LIMIT,
      onFailure: (error) => {
        // That has been told, and is looked after.
        if (error instanceof TablesMissing) return;
        log.error({ err: error }, 'The feed could not be read');
      },
      onRewound: (error) => {
        log.error(
          { err: error },
          'The history was set back: its subscribers are told FEED_REWOUND, and begin anew',
        );
      },
    });
    started.push(() => feed.stop());
    metrics.read({
      queues: () => lanes.lengths,
      connections: () => database.connections,
      subscribers: () => feed.subscribers,
      feedLag: () => feed.lag,
      ledgerSize: () => reader.ledgerSize(),
    });
    const machines = new Machines();
    machines.serve(lifecycle, { store, reader, feed });
    const services: Services = { machines, newId: uuidv7 };

    const server = await createServer(
      {
        ...configuration,
        mostConnections,
        dashboard,
        log,
        metrics,
        isReady: () => {
          isWatched = true;
          return ready && tableWatch.isWell;
        },
        lingering: () => lingering,
        // For as long as that, whoever asks waits for it.
        isDatabaseDown: () => database.isDown(configuration.requestTimeout),
        onRequest: tracing?.nameRequest,
      },
      createSchema(resolvers),
      services,
    );
    started.push(() => server.close());
    await leaveWaitingRoom();
    const url = await start(
      server.listen({ host, port, backlog: BACKLOG }),
      cannotListen(configuration),
    );

    const leave = async (grace: number): Promise<void> => {
      ready = false;
      if (isWatched) {
        lingering = grace * LINGERING;
        await delay(grace * NOTICE);
      }
      await stopAll();
    };
    let stopped: Promise<void> | undefined;
    return { url, stop: (grace = 0) => (stopped ??= leave(grace)) };
  } catch (error) {
    await stopAll();
    throw error;
  }
}
