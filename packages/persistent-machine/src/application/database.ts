/**
 * The application's database: starts an embedded one if none is configured, waits until it can be used, and watches
 * it from then on. Does not know what is kept in it.
 */
import { resolve } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Configuration } from '../config';
import { Database } from '../database/Database';
import { TableWatch, awaitDatabase, withoutRepetition } from '../database/awaitDatabase';
import { startEmbeddedPostgres } from '../database/embedded';
import { parseDatabaseUrl, placeOf } from '../database/url';
import { type Kept, openDatabase } from '../openDatabase';
import type { MachineTables } from '../operations/tables';
import type { Parts } from './Parts';
import type { Waiting } from './Waiting';

/** A database that has all tables of the application. */
export interface OpenedDatabase {
  /** A `postgresql://` URL. */
  readonly url: string;
  readonly database: Database;
  /** One entry per machine, in the order in which they are served. */
  readonly tables: readonly MachineTables[];
  readonly tableWatch: TableWatch;
}

/**
 * How long a statement may take, in milliseconds. Leaves time in a request to learn the outcome of a statement that was
 * given up.
 */
export function statementTimeoutOf({ requestTimeout }: Configuration): number {
  return Math.ceil(requestTimeout * 0.4);
}

/** The most connections to databases: one or two pools, and one connection that listens for the feeds. */
export function mostDatabaseConnections({
  databasePoolSize,
  databaseReplicaUrl,
}: Configuration): number {
  return databasePoolSize * (databaseReplicaUrl === undefined ? 1 : 2) + 1;
}

/**
 * @param waiting entered while the database cannot be reached or is not migrated yet
 * @param stopping aborted when the process shall stop; ends the wait
 * @throws the error that keeps the database from being used, or the signal's reason
 */
export async function startDatabase(
  kept: Kept,
  configuration: Configuration,
  log: FastifyBaseLogger,
  parts: Parts,
  waiting: Waiting,
  stopping: AbortSignal,
): Promise<OpenedDatabase> {
  const url = configuration.databaseUrl ?? (await startEmbedded(configuration, log, parts));
  const statementTimeout = statementTimeoutOf(configuration);
  const settings = {
    url,
    poolSize: configuration.databasePoolSize,
    // A connect and a statement must fit into one request's time.
    connectTimeout: statementTimeout,
    // A pooler in transaction mode, which forgets prepared statements, takes no settings of a session.
    statementTimeout: configuration.preparedStatements ? statementTimeout : undefined,
  };
  parts.add(() => waiting.leave());
  const { partitions, migrateOnStart: migrateIt } = configuration;
  const patient = { migrateIt, partitions, log: withoutRepetition(log) };
  const { dataSource, tables, schema, check } = await awaitDatabase(
    () => openDatabase(kept, settings, patient),
    log,
    () => waiting.enter(),
    stopping,
  );
  parts.add(() => dataSource.destroy());
  log.info(`Using ${placeFor(configuration)}, schema ${schema}`);
  const tableWatch = new TableWatch(check, log);
  parts.add(() => tableWatch.stop());
  const database = new Database(dataSource, {
    preparedStatements: configuration.preparedStatements,
    // Longer than PostgreSQL's own limit, so that usually PostgreSQL cancels the statement, and the outcome is known.
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
  return { url, database, tables, tableWatch };
}

async function startEmbedded(
  { dataDirectory }: Configuration,
  log: FastifyBaseLogger,
  parts: Parts,
): Promise<string> {
  const postgres = await startEmbeddedPostgres({
    directory: dataDirectory,
    log: (message) => {
      log.info(message);
    },
  });
  parts.add(() => postgres.stop());
  return postgres.url;
}

/** Names the database for the log, without credentials. */
function placeFor({ databaseUrl, dataDirectory }: Configuration): string {
  return databaseUrl === undefined
    ? `the embedded PostgreSQL in ${resolve(dataDirectory)}`
    : placeOf(parseDatabaseUrl(databaseUrl));
}
