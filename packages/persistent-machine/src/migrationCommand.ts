/**
 * The commands that change the schema: `run`, `revert` and `generate`. They take the same lock as a starting server,
 * and print a sentence for an error that the operator can fix. Does not know what the migrations do.
 */
import { useDatabase } from './commandDatabase';
import { ConfigurationError } from './config';
import { EmbeddedPostgresError } from './database/embedded';
import { DatabaseNotReady, UnusableDatabase } from './database/failures';
import { revert } from './database/migrate';
import { NotGenerated, generateMigration, ledgersOf } from './integrity';
import { type CreateDataSource, locateTables, migrateDatabase } from './openDatabase';

const log = {
  info: (message: string) => {
    console.log(message);
  },
  warn: (message: string) => {
    console.error(message);
  },
};

/** How long a query about the database may take, in milliseconds. Migrations have no time limit. */
const PATIENCE = 10_000;

async function execute(
  createDataSource: CreateDataSource,
  [command = '', path]: readonly string[],
): Promise<void> {
  await useDatabase(async (url, { preparedStatements, partitions }) => {
    const settings = {
      url,
      poolSize: 2,
      connectTimeout: PATIENCE,
      statementTimeout: preparedStatements ? PATIENCE : undefined,
    };
    const installation = await locateTables(createDataSource, settings, log);
    const { schema } = installation;
    const dataSource = createDataSource({ ...settings, schema });
    await dataSource.initialize();
    try {
      if (command === 'revert') {
        const name = await revert(dataSource);
        log.info(name === undefined ? 'There is no migration to revert' : `Reverted ${name}`);
      } else {
        await migrateDatabase(dataSource, installation, ledgersOf(dataSource), { partitions, log });
      }
      if (command === 'generate') {
        await generateMigration(dataSource, path ?? '', Date.now(), log);
      }
    } finally {
      await dataSource.destroy();
    }
  });
}

/** Runs this process as the command that its arguments name. */
export function runMigrationCommand(createDataSource: CreateDataSource): void {
  execute(createDataSource, process.argv.slice(2)).catch((error: unknown) => {
    const isForPeople = [
      ConfigurationError,
      DatabaseNotReady,
      EmbeddedPostgresError,
      NotGenerated,
      UnusableDatabase,
    ].some((kind) => error instanceof kind);
    console.error(isForPeople && error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
