/**
 * The database as this application uses it: connects to it, brings it up to date, and makes sure that it can be
 * worked with. For the server and for the commands; does not know what either does with it.
 */
import type { Pool } from 'pg';
import { type DataSource, QueryFailedError } from 'typeorm';
import { type Log, reasonOf } from './database/awaitDatabase';
import { type DataSourceSettings, createPool } from './database/dataSource';
import { DatabaseNotReady, UnusableDatabase } from './database/failures';
import { migrate } from './database/migrate';
import {
  type Ask,
  type Installation,
  checkMayMigrate,
  checkTables,
  inspect,
} from './database/preconditions';
import { type MachineEntities, type MachineTables, needsOf, tablesOf } from './operations/tables';

/** Makes an application's DataSource, which is not connected yet. */
export type CreateDataSource = (settings: DataSourceSettings) => DataSource;

/** What is kept in the database: the machines' entities, and with what they are reached. */
export interface Kept {
  readonly machines: readonly { readonly entities: MachineEntities }[];
  readonly createDataSource: CreateDataSource;
}

export interface OpenDatabase {
  readonly dataSource: DataSource;
  /** Of each machine, in their order. */
  readonly tables: readonly MachineTables[];
  /** In which the tables are. */
  readonly schema: string;
  /** Fails while the database cannot be worked with. */
  readonly check: () => Promise<void>;
}

/**
 * One attempt.
 *
 * @param migrateIt whether migrations that it lacks are run; otherwise they are waited for
 * @throws UnusableDatabase, DatabaseNotReady, and what TypeORM and node-postgres throw
 */
export async function openDatabase(
  { machines, createDataSource }: Kept,
  settings: DataSourceSettings,
  { migrateIt, log }: { readonly migrateIt: boolean; readonly log: Log },
): Promise<OpenDatabase> {
  const installation = await locateTables(createDataSource, settings, log);
  const { schema, pending } = installation;
  const dataSource = createDataSource({ ...settings, schema });
  try {
    await dataSource.initialize().catch((error: unknown) => {
      throw toldForPeople(error);
    });
    const tables = machines.map(({ entities }) => tablesOf(dataSource, entities));
    const needs = tables.flatMap(needsOf);
    const ask: Ask = async (text, values = []) => dataSource.query(text, [...values]);
    if (pending.length > 0) {
      if (!migrateIt) {
        throw new DatabaseNotReady(
          `it lacks migrations (${pending.join(', ')}), and with MIGRATIONS=off they are left to npm run migration:run`,
        );
      }
      await migrateDatabase(dataSource, installation, log);
    }
    const check = async (): Promise<void> => checkTables(ask, schema, needs);
    await check();
    return { dataSource, tables, schema, check };
  } catch (error) {
    if (dataSource.isInitialized) await dataSource.destroy();
    throw error;
  }
}

/**
 * Looks at the database within a time limit for each question. TypeORM's own first statements have none, and a
 * pooler lets clients in whose statements then wait for minutes, while its database is away.
 */
export async function locateTables(
  createDataSource: CreateDataSource,
  settings: DataSourceSettings,
  log: Log,
): Promise<Installation> {
  const pool = createPool({ ...settings, poolSize: 1 });
  const expected = {
    migrations: migrationsOf(createDataSource(settings)),
    settingsAreSaid: settings.statementTimeout !== undefined,
    warn: (message: string) => {
      log.warn(message);
    },
  };
  try {
    return await inspect(askOf(pool, settings.connectTimeout), expected);
  } catch (error) {
    throw toldForPeople(error);
  } finally {
    await pool.end();
  }
}

/** The names of all migrations that this build knows. */
function migrationsOf({ options: { migrations = [] } }: DataSource): string[] {
  // TypeORM takes patterns of file names, too; a class is a function, and has its name.
  return Object.values(migrations).flatMap((migration: unknown) =>
    typeof migration === 'function' ? [migration.name] : [],
  );
}

/** @param patience how long an answer may take, in milliseconds */
export function askOf(pool: Pool, patience: number): Ask {
  return async <Row extends object>(text: string, values: readonly unknown[] = []) => {
    const query = { text, values: [...values], query_timeout: patience };
    return (await pool.query<Row>(query)).rows;
  };
}

/**
 * @param dataSource initialized
 * @throws UnusableDatabase where the migrations cannot be made
 */
export async function migrateDatabase(
  dataSource: DataSource,
  installation: Installation,
  log: Log,
): Promise<void> {
  const ask: Ask = async (text, values = []) => dataSource.query(text, [...values]);
  const tables = dataSource.entityMetadatas.map(({ tableName }) => tableName);
  if (installation.pending.length > 0) await checkMayMigrate(ask, installation, tables);
  const names = await migrate(dataSource).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    throw new UnusableDatabase(
      `The database cannot be migrated by this role: ${reasonOf(error)}. The owner of the tables may.`,
      { cause: error },
    );
  });
  for (const name of names) log.info(`Migrated the database: ${name}`);
}

/** Of a right that the role lacks. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof QueryFailedError &&
    (error.driverError as { readonly code?: unknown }).code === '42501'
  );
}

/** What the database itself says of who may not come in, as a sentence about the variable that names it. */
function toldForPeople(error: unknown): unknown {
  if (error instanceof UnusableDatabase || error instanceof DatabaseNotReady) return error;
  return new UnusableDatabase(`The database of DATABASE_URL cannot be used: ${reasonOf(error)}`, {
    cause: error,
  });
}
