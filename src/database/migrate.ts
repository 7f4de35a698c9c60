/**
 * Brings a database's schema up to date, safely with several instances starting at once. Does not know
 * what the migrations do.
 */
import { type DataSource, MigrationExecutor } from 'typeorm';

/** Names the lock of this application's migrations; any number that nobody else on this database uses. */
export const MIGRATION_LOCK = 7_305_469_821;

/**
 * Runs the pending migrations, all in one transaction which holds the lock: whoever comes second waits,
 * and then finds nothing to do. A lock of the transaction, not of the session, since the latter would not
 * survive a pooler in transaction mode.
 *
 * @param dataSource initialized
 * @returns the names of the migrations that this call ran
 */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  const queryRunner = dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    // Neither waiting for another instance nor a long migration is a statement that hangs.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    await queryRunner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const executor = new MigrationExecutor(dataSource, queryRunner);
    const migrations = await executor.executePendingMigrations();
    await queryRunner.commitTransaction();
    return migrations.map((migration) => migration.name);
  } catch (error) {
    if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    throw error;
  } finally {
    await queryRunner.release();
  }
}
