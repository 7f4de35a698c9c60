/**
 * The TypeORM DataSource, for the application and for the TypeORM command line. Owns which entities and
 * migrations there are and how the connection pool behaves; does not know where the database runs.
 */
import 'reflect-metadata';
import { type ClientBase, Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Lives1764000000000 } from './migrations/1764000000000-Lives';
import { Ledger, Life, LifeTransition } from './src/entities';

const APPLICATION_NAME = 'persistent-state-machine';

export interface DataSourceSettings {
  /** A `postgresql://` URL. */
  readonly url: string;
  /** The most connections that this process opens. */
  readonly poolSize: number;
  /** How long to wait for a connection, in milliseconds. */
  readonly connectTimeout: number;
  /** After how many milliseconds the database gives up a statement; left out, as a pooler that takes no settings wants it: never. */
  readonly statementTimeout?: number | undefined;
}

/**
 * @returns a DataSource that is not connected yet: `initialize()` connects it
 */
export function createDataSource(settings: DataSourceSettings): DataSource {
  return new DataSource({
    type: 'postgres',
    url: settings.url,
    poolSize: settings.poolSize,
    connectTimeoutMS: settings.connectTimeout,
    applicationName: APPLICATION_NAME,
    entities: [Life, LifeTransition, Ledger],
    migrations: [Lives1764000000000],
    // The tables need no extension, and the application's role may have no right to install one.
    installExtensions: false,
    logging: false,
    extra: connectionsOf(settings),
  });
}

/**
 * @returns a pool without TypeORM: it connects only when it is asked something, so that what it is for may be
 *   missing, then and later
 */
export function createPool(settings: DataSourceSettings): Pool {
  const pool = new Pool({
    connectionString: settings.url,
    max: settings.poolSize,
    connectionTimeoutMillis: settings.connectTimeout,
    application_name: APPLICATION_NAME,
    // Idle ones do not keep the process from ending, should they hang.
    allowExitOnIdle: true,
    ...connectionsOf(settings),
  });
  // An idle connection that dies is replaced when the next one is wanted.
  pool.on('error', () => undefined);
  return pool;
}

/** What goes for each connection, beyond what TypeORM has names for. */
function connectionsOf({ statementTimeout }: DataSourceSettings) {
  return {
    keepAlive: true,
    // Every statement is written so that one plan does for all values: none is planned for each anew.
    ...(statementTimeout
      ? {
          // It bounds the wait for a lock, too; a transaction that somebody leaves open may hold some.
          statement_timeout: statementTimeout,
          idle_in_transaction_session_timeout: statementTimeout,
          options: '-c plan_cache_mode=force_generic_plan',
        }
      : {}),
    // A connection that dies tells its statement. It also emits an error, which nobody may be there to hear,
    // and that would end the process.
    onConnect: (client: ClientBase) => {
      client.on('error', () => undefined);
    },
  };
}

/** For the command line, which takes no other settings: `npm run migration:run` gives it the URL. */
export default createDataSource({
  url: process.env['DATABASE_URL'] ?? '',
  poolSize: 1,
  connectTimeout: 5_000,
});
