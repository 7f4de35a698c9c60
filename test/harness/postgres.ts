/**
 * The application's databases on the PostgreSQL of the run: a template that is migrated once, and the clones of it that
 * each test makes within milliseconds.
 */
import { migrate } from 'persistent-machine/database/migrate';
import { createDataSource } from '../../ormconfig';
import {
  type TestDatabase,
  createDatabase,
  createTestDatabase as createDatabaseOf,
  dropDatabase,
  sealTemplate,
  urlOf,
  usePostgres,
} from '../../packages/persistent-machine/test/harness/postgres';
import { PARTITIONS, startPostgres } from './topology';

export {
  type TestDatabase,
  administrate,
} from '../../packages/persistent-machine/test/harness/postgres';

/** The name is unique to the run: its workers are children of one process. */
const TEMPLATE = `persistent_state_machine_template_${process.env['TEST_RUN'] ?? (process.env['TEST_RUN'] = String(process.pid))}`;

export interface TestPostgres {
  stop(): Promise<void>;
}

/** Starts PostgreSQL, once a run. */
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
  await migrate(dataSource, PARTITIONS);
  await dataSource.destroy();
  await sealTemplate(TEMPLATE);
  return {
    stop: async () => {
      await dropDatabase(TEMPLATE);
      await stop();
    },
  };
}

/** @param template null for an empty database without tables */
export async function createTestDatabase(
  template: string | null = TEMPLATE,
): Promise<TestDatabase> {
  return createDatabaseOf(template ?? undefined);
}
