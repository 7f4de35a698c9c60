/** Generates the next migration. Knows neither what a machine is nor what a migration looks like. */
import type { DataSource } from 'typeorm';
import { differencesOf } from './differences';
import { writeMigration } from './migrationFile';

interface Say {
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
}

/**
 * Writes the migration that gives the database what entities and declarations want and it lacks, and its line in the
 * list of migrations; nothing where nothing is missing.
 *
 * @param dataSource initialized, on a database that has all migrations
 * @param path folder and name, as `migrations/Freezing`
 * @param now in milliseconds
 * @throws NotGenerated, with a sentence for a person
 */
export async function generateMigration(
  dataSource: DataSource,
  path: string,
  now: number,
  say: Say,
): Promise<void> {
  const { up, down, others } = await differencesOf(dataSource);
  if (others.length > 0) {
    say.warn(`Tables of no entity are left as they are: ${others.join(', ')}.`);
  }
  if (up.length === 0) {
    say.info('Nothing is missing: no migration was written.');
    return;
  }
  for (const statement of up.filter((each) => each.includes(' DROP COLUMN '))) {
    say.warn(
      `The migration drops what a column holds: ${statement}. To rename it, write so instead.`,
    );
  }
  say.info(`Wrote ${writeMigration(path, { up, down }, now)}`);
}
