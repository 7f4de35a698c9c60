/**
 * A migration as a file of TypeScript, and the list of all migrations beside it. Knows how they are laid out, and not
 * what the statements do.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SCHEMA } from './described';
import { NotGenerated } from './NotGenerated';

/** The widest line that Prettier leaves as it is. */
const WIDTH = 100;

export interface MigrationStatements {
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/**
 * Writes a migration, and the list anew.
 *
 * @param path folder and name, as `migrations/Freezing`
 * @param now in milliseconds; the migration comes after all that are there, whatever it says
 * @returns the path of the file
 * @throws NotGenerated where the name is none of a class
 */
export function writeMigration(path: string, statements: MigrationStatements, now: number): string {
  const [folder, name] = [dirname(path), basename(path, '.ts')];
  if (!/^[A-Z]\w*$/.test(name)) {
    throw new NotGenerated(
      `Name the migration as a class, as in migrations/Freezing, and not "${name}".`,
    );
  }
  mkdirSync(folder, { recursive: true });
  const last = Math.max(0, ...migrationsIn(folder).map(({ time }) => time));
  const time = Math.max(now, last + 1);
  const file = join(folder, `${time}-${name}.ts`);
  writeFileSync(file, migrationText(`${name}${time}`, statements));
  writeFileSync(join(folder, 'index.ts'), listText(migrationsIn(folder)));
  return file;
}

interface Migration {
  readonly className: string;
  /** Without its extension. */
  readonly file: string;
  readonly time: number;
}

/** The oldest first. */
function migrationsIn(folder: string): Migration[] {
  return readdirSync(folder)
    .flatMap((entry) => {
      const [, file, time] = /^((\d+)-.+)\.ts$/.exec(entry) ?? [];
      const [, className] =
        /export class (\w+)/.exec(
          file === undefined ? '' : readFileSync(join(folder, entry), 'utf8'),
        ) ?? [];
      return file === undefined || className === undefined
        ? []
        : { file, className, time: Number(time) };
    })
    .sort((one, other) => one.time - other.time);
}

function listText(migrations: readonly Migration[]): string {
  const imports = migrations.map(
    ({ className, file }) => `import { ${className} } from './${file}';\n`,
  );
  const names = migrations.map(({ className }) => className);
  const line = `export const MIGRATIONS = [${names.join(', ')}] as const;\n`;
  const list =
    line.length <= WIDTH + 1
      ? line
      : `export const MIGRATIONS = [\n${names.map((name) => `  ${name},\n`).join('')}] as const;\n`;
  return `\
/** All migrations, the oldest first. Written by \`npm run migration:generate\`, of the files beside it. */
${imports.join('')}
${list}`;
}

function migrationText(className: string, { up, down }: MigrationStatements): string {
  return `\
/**
 * Written by \`npm run migration:generate\`: what entities and declarations wanted then, and the database lacked. A
 * migration is history: it is never edited once released, and it imports nothing of ours, which will have moved on by
 * the time it runs.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${className} implements MigrationInterface {
${method('up', up)}
${method('down', down)}}
${[...up, ...down].some((statement) => statement.includes(SCHEMA)) ? SCHEMA_OF : ''}`;
}

const SCHEMA_OF = `
/** Functions name it in full: a session's temporary table would otherwise be taken for ours. */
async function schemaOf(queryRunner: QueryRunner): Promise<string> {
  const [row] = await queryRunner.manager.query<{ schema: string }[]>(
    'SELECT quote_ident(current_schema()) AS schema',
  );
  return row?.schema ?? 'public';
}
`;

function method(name: 'up' | 'down', statements: readonly string[]): string {
  const needsSchema = statements.some((statement) => statement.includes(SCHEMA));
  return `\
  async ${name}(queryRunner: QueryRunner): Promise<void> {
${needsSchema ? '    const schema = await schemaOf(queryRunner);\n' : ''}\
${statements.map(query).join('')}\
  }
`;
}

function query(statement: string): string {
  const text = statement.replaceAll(/[\\`]|\$(?=\{)/g, '\\$&').replaceAll(SCHEMA, '${schema}');
  const line = `    await queryRunner.query(\`${text}\`);`;
  if (!text.includes('\n') && line.length <= WIDTH) return `${line}\n`;
  return `    await queryRunner.query(\`\n      ${text.replaceAll('\n', '\n      ')}\`);\n`;
}
