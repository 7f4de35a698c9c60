/**
 * Opens the database for the server and the commands: connects, migrates, and checks that the tables can be used.
 * Does not know what the callers do with it.
 */
import type { Pool } from 'pg';
import { type DataSource, QueryFailedError } from 'typeorm';
import type { Ask } from './database/ask';
import { type Log, reasonOf } from './database/awaitDatabase';
import { type DataSourceSettings, createPool } from './database/dataSource';
import { DatabaseNotReady, UnusableDatabase } from './database/failures';
import { areDistributed } from './database/distribution';
import { migrate } from './database/migrate';
import { checkPartitions, countPartitions } from './database/partitions';
import { type Installation, inspect } from './database/preconditions';
import { checkMayMigrate, checkTables } from './database/tables';
import { type MachineEntities, type MachineTables, needsOf, tablesOf } from './operations/tables';

/** What the configuration says about the migrations. */
export interface Migrating {
  /** How many partitions the tables shall have; undefined for what they have, or 1 if they are new. */
  readonly partitions: number | undefined;
  readonly log: Log;
}

/** Makes an application's DataSource, without connecting it. */
export type CreateDataSource = (settings: DataSourceSettings) => DataSource;

/** The machines' entities, and the DataSource that reaches them. */
export interface Kept {
  readonly machines: readonly { readonly entities: MachineEntities }[];
  readonly createDataSource: CreateDataSource;
}

export interface OpenDatabase {
  readonly dataSource: DataSource;
  /** One entry per machine, in their order. */
  readonly tables: readonly MachineTables[];
  /** The schema of the tables. */
  readonly schema: string;
  /** Rejects while the tables cannot be used. */
  readonly check: () => Promise<void>;
}

/**
 * Tries once to open the database.
 *
 * @param migrateIt whether to run missing migrations
 * @throws UnusableDatabase if the operator must fix something, DatabaseNotReady if a retry may succeed, and the
 *   errors of TypeORM and node-postgres
 */
export async function openDatabase(
  { machines, createDataSource }: Kept,
  settings: DataSourceSettings,
  { migrateIt, ...migrating }: Migrating & { readonly migrateIt: boolean },
): Promise<OpenDatabase> {
  const installation = await locateTables(createDataSource, settings, migrating.log);
  const { schema, pending } = installation;
  const dataSource = createDataSource({ ...settings, schema });
  try {
    await dataSource.initialize().catch((error: unknown) => {
      throw toldForPeople(error);
    });
    const needs = machines.flatMap(({ entities }) => needsOf(tablesOf(dataSource, entities)));
    const ledgers = machines.map(
      ({ entities }) => dataSource.getMetadata(entities.ledger).tableName,
    );
    const ask: Ask = async (text, values = []) => dataSource.query(text, [...values]);
    if (pending.length > 0) {
      if (!migrateIt) {
        throw new DatabaseNotReady(
          `it lacks migrations (${pending.join(', ')}), which with MIGRATIONS=off only npm run migration:run runs`,
        );
      }
      await migrateDatabase(dataSource, installation, ledgers, migrating);
    }
    const check = async (): Promise<void> => checkTables(ask, schema, needs);
    await check();
    const partitions = (await countPartitions(ask, schema, ledgers)) ?? 1;
    checkPartitions(migrating.partitions, partitions);
    const names = needs.map(({ name }) => name);
    const isDistributed = await areDistributed(ask, schema, names);
    if (isDistributed && partitions === 1) {
      migrating.log.warn(
        'The database is a Citus cluster, but has one partition, which is on one node: only a new database with ' +
          'PARTITIONS uses more nodes.',
      );
    }
    const tables = machines.map(({ entities }) =>
      tablesOf(dataSource, entities, partitions, isDistributed),
    );
    return { dataSource, tables, schema, check };
  } catch (error) {
    if (dataSource.isInitialized) await dataSource.destroy();
    throw error;
  }
}

/**
 * Inspects the database, with a time limit for each query. TypeORM's own first statements have no limit, and behind a
 * pooler whose database is down they would wait for minutes.
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
  // TypeORM's type also allows file patterns, which are strings.
  return Object.values(migrations).flatMap((migration: unknown) =>
    typeof migration === 'function' ? [migration.name] : [],
  );
}

/** @param patience how long a query may take, in milliseconds */
export function askOf(pool: Pool, patience: number): Ask {
  return async <Row extends object>(text: string, values: readonly unknown[] = []) => {
    const query = { text, values: [...values], query_timeout: patience };
    return (await pool.query<Row>(query)).rows;
  };
}

/**
 * @param dataSource initialized
 * @param ledgers the names of the ledgers' tables
 * @throws UnusableDatabase if the role may not run the migrations, or the tables have another number of partitions
 */
export async function migrateDatabase(
  dataSource: DataSource,
  installation: Installation,
  ledgers: readonly string[],
  { partitions, log }: Migrating,
): Promise<void> {
  const ask: Ask = async (text, values = []) => dataSource.query(text, [...values]);
  const tables = dataSource.entityMetadatas.map(({ tableName }) => tableName);
  if (installation.pending.length > 0) await checkMayMigrate(ask, installation, tables);
  const existing = await countPartitions(ask, installation.schema, ledgers);
  if (existing !== undefined) checkPartitions(partitions, existing);
  const tell = (name: string, milliseconds: number): void => {
    log.info(`Migrated the database: ${name}, in ${(milliseconds / 1_000).toFixed(1)} s`);
  };
  await migrate(dataSource, existing ?? partitions, tell).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === INSUFFICIENT_PRIVILEGE) {
      throw new UnusableDatabase(
        `This role may not migrate the database: ${reasonOf(error)}. The owner of the tables may.`,
        { cause: error },
      );
    }
    if (code?.startsWith(INTEGRITY_CONSTRAINT_VIOLATION)) {
      throw new UnusableDatabase(
        `Rows of the database do not fit a migration, and nothing was changed: ${reasonOf(error)}. Fill those rows first, ` +
          'in a migration by hand.',
        { cause: error },
      );
    }
    throw error;
  });
}

const INSUFFICIENT_PRIVILEGE = '42501';
/** A class of PostgreSQL's error codes. */
const INTEGRITY_CONSTRAINT_VIOLATION = '23';

/** PostgreSQL's code for an error of a migration. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  const { code } = error.driverError as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Turns PostgreSQL's refusal of a connection into a sentence about DATABASE_URL. */
function toldForPeople(error: unknown): unknown {
  if (error instanceof UnusableDatabase || error instanceof DatabaseNotReady) return error;
  return new UnusableDatabase(`The database of DATABASE_URL cannot be used: ${reasonOf(error)}`, {
    cause: error,
  });
}
