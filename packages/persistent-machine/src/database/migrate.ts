/**
 * Brings a database's schema up to date, safely with several instances starting at once. Does not know
 * what the migrations do.
 */
import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import { schemaOf } from '../internals';
import { quoted } from './identifiers';
import { strayFunctions } from './strayFunctions';

/** Names the lock of this application's migrations; any number that nobody else on this database uses. */
export const MIGRATION_LOCK = 7_305_469_821;

/**
 * Runs the pending migrations, and mends what a renamed schema or database has left behind.
 *
 * @param dataSource initialized
 * @returns the names of the migrations that this call ran
 */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  return locked(dataSource, async (queryRunner, executor, schema) => {
    const migrations = await executor.executePendingMigrations();
    await adoptNames(queryRunner, schema);
    return migrations.map((migration) => migration.name);
  });
}

/**
 * Takes the last migration back, if there is one.
 *
 * @param dataSource initialized
 * @returns its name
 */
export async function revert(dataSource: DataSource): Promise<string | undefined> {
  return locked(dataSource, async (_queryRunner, executor) => {
    const executed = await executor.getExecutedMigrations();
    await executor.undoLastMigration();
    const left = new Set((await executor.getExecutedMigrations()).map(({ name }) => name));
    return executed.map(({ name }) => name).find((name) => !left.has(name));
  });
}

/**
 * All in one transaction which holds the lock: the second instance waits, and then finds nothing to do. A lock of
 * the transaction, not of the session, since the latter would not survive a pooler in transaction mode.
 */
async function locked<Result>(
  dataSource: DataSource,
  work: (queryRunner: QueryRunner, executor: MigrationExecutor, schema: string) => Promise<Result>,
): Promise<Result> {
  const schema = schemaOf(dataSource);
  const queryRunner = dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    // Neither waiting for another instance nor a long migration is a statement that hangs.
    await queryRunner.query(
      `SELECT set_config(name, '0', true) FROM pg_settings
       WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`,
    );
    await queryRunner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    // What a migration names without a schema is meant for ours.
    await queryRunner.query("SELECT set_config('search_path', $1, true)", [quoted(schema)]);
    const result = await work(queryRunner, new MigrationExecutor(dataSource, queryRunner), schema);
    await queryRunner.commitTransaction();
    return result;
  } catch (error) {
    if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    throw error;
  } finally {
    await queryRunner.release();
  }
}

/**
 * What was migrated under one name and is found under another, since the schema was renamed or the database was
 * restored elsewhere: TypeORM's notes, by which it would else make a generated column anew, and the functions of
 * the triggers.
 */
async function adoptNames(queryRunner: QueryRunner, schema: string): Promise<void> {
  const tables = queryRunner.dataSource.entityMetadatas.map(({ tableName }) => tableName);
  await queryRunner.query(
    `UPDATE ${quoted(schema)}.typeorm_metadata SET database = current_database(), schema = $1
     WHERE "table" = ANY ($2) AND (database, schema) IS DISTINCT FROM (current_database()::varchar, $1)`,
    [schema, tables],
  );
  const ask = async <Row extends object>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => queryRunner.manager.query<Row[]>(text, [...values]);
  for (const definition of await strayFunctions(ask, schema, tables)) {
    await queryRunner.query(definition);
  }
}
