/**
 * Writes a migration as a TypeScript file, and the list of all migrations. It knows the layout of these files, and not
 * what the statements do.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PARTITIONS, SCHEMA } from './described';
import { NotGenerated } from './NotGenerated';

/** The longest line that Prettier does not break. */
const WIDTH = 100;

export interface MigrationStatements {
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/**
 * Writes a migration, and the list again.
 *
 * @param path folder and name, such as `migrations/Freezing`
 * @param now in milliseconds since the epoch; the migration's time is later than all others in any case
 * @returns the path of the file
 * @throws NotGenerated if the name cannot be that of a class
 */
export function writeMigration(path: string, statements: MigrationStatements, now: number): string {
  const [folder, name] = [dirname(path), basename(path, '.ts')];
  if (!/^[A-Z]\w*$/.test(name)) {
    throw new NotGenerated(
      `Name the migration like a class, such as migrations/Freezing, not "${name}".`,
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
  /** The file's name without its extension. */
  readonly file: string;
  readonly time: number;
}

/** Oldest first. */
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
/** All migrations, oldest first. \`npm run migration:generate\` writes this list from the files beside it. */
${imports.join('')}
${list}`;
}

function migrationText(className: string, { up, down }: MigrationStatements): string {
  return `\
/**
 * Written by \`npm run migration:generate\`: what entities and declarations wanted, and the database lacked. Do not
 * edit a released migration. It imports nothing of ours, because our code goes on changing, and a migration must not.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${className} implements MigrationInterface {
${method('up', up)}
${method('down', down)}}
${PLACEHOLDERS.map(({ mark, finder }) => ([...up, ...down].join().includes(mark) ? finder : '')).join('')}`;
}

/** What stands for a fact about the database, the variable that has the fact in a migration, and its function. */
const PLACEHOLDERS = [
  {
    mark: SCHEMA,
    variable: 'schema',
    finder: `
/** The functions name their tables with the schema, since a session's temporary table could stand in for ours. */
async function schemaOf(queryRunner: QueryRunner): Promise<string> {
  const [row] = await queryRunner.manager.query<{ schema: string }[]>(
    'SELECT quote_ident(current_schema()) AS schema',
  );
  return row?.schema ?? 'public';
}
`,
  },
  {
    mark: PARTITIONS,
    variable: 'partitions',
    finder: `
/** Each installation chooses its number of partitions; the server sets it before it runs the migrations. */
async function partitionsOf(queryRunner: QueryRunner): Promise<string> {
  const [row] = await queryRunner.manager.query<{ partitions: string | null }[]>(
    "SELECT nullif(current_setting('persistent_machine.partitions', true), '') AS partitions",
  );
  return row?.partitions ?? '1';
}
`,
  },
] as const;

function method(name: 'up' | 'down', statements: readonly string[]): string {
  const facts = PLACEHOLDERS.filter(({ mark }) => statements.join().includes(mark)).map(
    ({ variable }) => `    const ${variable} = await ${variable}Of(queryRunner);\n`,
  );
  return `\
  async ${name}(queryRunner: QueryRunner): Promise<void> {
${facts.join('')}\
${statements.map(query).join('')}\
  }
`;
}

function query(statement: string): string {
  const text = PLACEHOLDERS.reduce(
    (written, { mark, variable }) => written.replaceAll(mark, `\${${variable}}`),
    statement.replaceAll(/[\\`]|\$(?=\{)/g, '\\$&'),
  );
  const line = `    await queryRunner.query(\`${text}\`);`;
  if (!text.includes('\n') && line.length <= WIDTH) return `${line}\n`;
  return `    await queryRunner.query(\`\n      ${text.replaceAll('\n', '\n      ')}\`);\n`;
}
