/**
 * What this application's tests have on the run's PostgreSQL: a template, migrated once, from which each test clones a
 * database of its own within milliseconds.
 */
import { migrate } from 'persistent-machine/database/migrate';
import { createDataSource } from '../../ormconfig';
import {
  type TestDatabase,
  createDatabase,
  createTestDatabase as createDatabaseOf,
  dropDatabase,
  urlOf,
  usePostgres,
} from '../../packages/persistent-machine/test/harness/postgres';
import { startPostgres } from './topology';

export {
  type TestDatabase,
  administrate,
} from '../../packages/persistent-machine/test/harness/postgres';

/** Of this run: its workers are children of the process that started it. */
const TEMPLATE = `persistent_state_machine_template_${process.env['TEST_RUN'] ?? (process.env['TEST_RUN'] = String(process.pid))}`;

export interface TestPostgres {
  stop(): Promise<void>;
}

/** Starts it; called once a run. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const { postgres, stop } = await startPostgres();
  usePostgres(postgres);
  await dropDatabase(TEMPLATE);
  await createDatabase(TEMPLATE);
  const dataSource = createDataSource({
    url: urlOf(TEMPLATE),
    poolSize: 1,
    connectTimeout: 60_000,
  });
  await dataSource.initialize();
  await migrate(dataSource);
  await dataSource.destroy();
  return {
    stop: async () => {
      await dropDatabase(TEMPLATE);
      await stop();
    },
  };
}

/** @param template null: an empty database, without our tables */
export async function createTestDatabase(
  template: string | null = TEMPLATE,
): Promise<TestDatabase> {
  return createDatabaseOf(template ?? undefined);
}
