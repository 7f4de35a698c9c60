/**
 * Migrates a database, safely also when several instances start at once. It does not know what the migrations do.
 */
import { type DataSource, MigrationExecutor, QueryFailedError, type QueryRunner } from 'typeorm';
import { schemaOf } from '../internals';
import type { Ask } from './ask';
import { distribute, dropTriggers, hasCitus, isAboutTrigger } from './distribution';
import { UnusableDatabase } from './failures';
import { quoted } from './identifiers';
import { PARTITIONS_SETTING } from './partitions';
import { strayFunctions } from './strayFunctions';

/** The key of the advisory lock of our migrations: a number that nothing else in the database uses. */
export const MIGRATION_LOCK = 7_305_469_821;

/**
 * Runs the pending migrations, repairs what refers to the former name of a renamed schema or database, and distributes
 * the tables if the database is the coordinator of a Citus cluster.
 *
 * @param dataSource an initialized one
 * @param partitions how many partitions new tables get
 * @param onMigrated called after the commit with the name of each migration that ran, and the milliseconds that it took
 * @returns the names of the migrations that this call ran
 */
export async function migrate(
  dataSource: DataSource,
  partitions = 1,
  onMigrated: (name: string, milliseconds: number) => void = () => undefined,
): Promise<string[]> {
  const migrated = await locked(dataSource, async (queryRunner, executor, place) => {
    const { schema, tables, isInCluster } = place;
    await queryRunner.query('SELECT set_config($1, $2, true)', [
      PARTITIONS_SETTING,
      String(partitions),
    ]);
    const ask = askOf(queryRunner);
    const run: { readonly name: string; readonly milliseconds: number }[] = [];
    for (const migration of await executor.getPendingMigrations()) {
      const start = performance.now();
      await executor.executeMigration(migration);
      run.push({ name: migration.name, milliseconds: performance.now() - start });
    }
    // Nothing is pending any more. This makes TypeORM's own tables if there are no migrations at all.
    await executor.executePendingMigrations();
    await adoptNames(ask, schema, tables);
    if (isInCluster) await distribute(ask, schema, tables, partitions);
    return run;
  });
  for (const { name, milliseconds } of migrated) onMigrated(name, milliseconds);
  return migrated.map(({ name }) => name);
}

/**
 * Reverts the last migration.
 *
 * @param dataSource an initialized one
 * @returns its name; undefined if there is none
 */
export async function revert(dataSource: DataSource): Promise<string | undefined> {
  return locked(dataSource, async (_queryRunner, executor) => {
    const executed = await executor.getExecutedMigrations();
    await executor.undoLastMigration();
    const left = new Set((await executor.getExecutedMigrations()).map(({ name }) => name));
    return executed.map(({ name }) => name).find((name) => !left.has(name));
  });
}

/** Where migrations run. */
interface Place {
  readonly schema: string;
  /** The names of the entities' tables, whether they exist or not. */
  readonly tables: readonly string[];
  /** Whether the database is the coordinator of a Citus cluster. */
  readonly isInCluster: boolean;
}

/**
 * Works in one transaction that holds the lock, so that a second instance waits, and then finds nothing to do. The lock
 * is the transaction's, because a session's does not survive a pooler in transaction mode.
 */
async function locked<Result>(
  dataSource: DataSource,
  work: (queryRunner: QueryRunner, executor: MigrationExecutor, place: Place) => Promise<Result>,
): Promise<Result> {
  const schema = schemaOf(dataSource);
  const tables = dataSource.entityMetadatas.map(({ tableName }) => tableName);
  const queryRunner = dataSource.createQueryRunner();
  let isInCluster = false;
  try {
    await queryRunner.startTransaction();
    // Timeouts are off: a wait for another instance, or for a long migration, is not a failure.
    await queryRunner.query(
      `SELECT set_config(name, '0', true) FROM pg_settings
       WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`,
    );
    await queryRunner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    // Migrations name tables without a schema, and mean ours.
    await queryRunner.query("SELECT set_config('search_path', $1, true)", [quoted(schema)]);
    const ask = askOf(queryRunner);
    isInCluster = await hasCitus(ask);
    if (isInCluster) {
      // In parallel, Citus would refuse a function after a table in one transaction.
      await ask("SELECT set_config('citus.multi_shard_modify_mode', 'sequential', true)");
      await dropTriggers(ask, schema, tables);
      leaveTriggersOut(queryRunner);
    }
    const executor = new MigrationExecutor(dataSource, queryRunner);
    const result = await work(queryRunner, executor, { schema, tables, isInCluster });
    await queryRunner.commitTransaction();
    return result;
  } catch (error) {
    if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    throw isInCluster && isRefusedByCitus(error) ? toldForPeople(error) : error;
  } finally {
    await queryRunner.release();
  }
}

/**
 * Updates what still has an old name after the schema was renamed, or the database restored under another name:
 * TypeORM's metadata, without which it would create generated columns again, and the functions of the triggers.
 */
async function adoptNames(ask: Ask, schema: string, tables: readonly string[]): Promise<void> {
  await ask(
    `UPDATE ${quoted(schema)}.typeorm_metadata SET database = current_database(), schema = $1
     WHERE "table" = ANY ($2) AND (database, schema) IS DISTINCT FROM (current_database()::varchar, $1)`,
    [schema, tables],
  );
  for (const definition of await strayFunctions(ask, schema, tables)) await ask(definition);
}

/** feature_not_supported, and internal_error, which Citus often gives in its place. */
const REFUSALS = new Set<unknown>(['0A000', 'XX000']);

function isRefusedByCitus(error: unknown): error is QueryFailedError {
  return (
    error instanceof QueryFailedError &&
    REFUSALS.has((error.driverError as { readonly code?: unknown }).code)
  );
}

function toldForPeople(error: QueryFailedError): UnusableDatabase {
  return new UnusableDatabase(
    `Citus refuses a statement of a migration on distributed tables, and nothing was changed: ${error.message}. Make the ` +
      'tables local with SELECT undistribute_table(name, cascade_via_foreign_keys => true), and try again; npm run ' +
      'migration:run then distributes them.',
    { cause: error },
  );
}

/** Citus takes no triggers. So in a cluster the same migrations run without them. */
function leaveTriggersOut(queryRunner: QueryRunner): void {
  const query = queryRunner.query.bind(queryRunner);
  queryRunner.query = async <Row>(text: string, ...others: unknown[]): Promise<Row> => {
    // As a statement that returns no rows.
    if (isAboutTrigger(text)) return [] as Row;
    return query(text, ...(others as [])) as Promise<Row>;
  };
}

function askOf(queryRunner: QueryRunner): Ask {
  return async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    queryRunner.manager.query<Row[]>(text, [...values]);
}
