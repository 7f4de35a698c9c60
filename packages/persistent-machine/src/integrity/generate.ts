/** Generates the next migration. It knows neither machines nor the layout of a migration. */
import type { DataSource } from 'typeorm';
import { differencesOf } from './differences';
import { writeMigration } from './migrationFile';

interface Say {
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
}

/**
 * Writes the migration that brings the database to what entities and declarations want, and adds it to the list of
 * migrations. It writes nothing if nothing is missing.
 *
 * @param dataSource an initialized one, whose database has all migrations
 * @param path folder and name, such as `migrations/Freezing`
 * @param now in milliseconds since the epoch
 * @throws NotGenerated
 */
export async function generateMigration(
  dataSource: DataSource,
  path: string,
  now: number,
  say: Say,
): Promise<void> {
  const { up, down, others } = await differencesOf(dataSource);
  if (others.length > 0) {
    say.warn(`These tables belong to no entity, and stay as they are: ${others.join(', ')}.`);
  }
  if (up.length === 0) {
    say.info('Nothing is missing: no migration was written.');
    return;
  }
  for (const statement of up.filter((each) => each.includes(' DROP COLUMN '))) {
    say.warn(
      `The migration drops a column with its data: ${statement}. If you renamed the column, edit the migration.`,
    );
  }
  say.info(`Wrote ${writeMigration(path, { up, down }, now)}`);
}
