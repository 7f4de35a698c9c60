/**
 * Describes the schema that entities and declarations want. It creates that schema for a moment, with the statements
 * that TypeORM would run, because only PostgreSQL can normalise expressions. It does not look at the present tables.
 */
import { DataSource } from 'typeorm';
import { type Ask, describe, indescribable } from './catalog';
import { type Sources, nameIn } from './changes';
import { type Described, SCHEMA, inDatabase } from './described';
import { shapesOf } from './entities';
import { functionsOf } from './functions';
import { NotGenerated } from './NotGenerated';
import { ledgerRows, triggersOf } from './triggers';

export interface Wanted {
  readonly described: Described;
  readonly sources: Sources;
}

/**
 * @param dataSource an initialized one
 * @param tables the statements that `statementsFor` gives for the schema `scratch`
 * @param ask in a transaction whose search path begins with the schema of `scratch`, which is empty
 * @throws NotGenerated if an entity wants what `describe` cannot describe
 */
export async function wantedBy(
  dataSource: DataSource,
  tables: readonly string[],
  ask: Ask,
  scratch: Parameters<typeof inDatabase>[1],
): Promise<Wanted> {
  for (const statement of tables) await ask(inDatabase(statement, scratch));
  const shapes = shapesOf(dataSource);
  for (const { sql } of functionsOf(shapes, scratch.schema)) await ask(sql);
  for (const { sql } of shapes.flatMap(triggersOf)) await ask(sql);
  const others = await indescribable(ask);
  if (others.length > 0) {
    throw new NotGenerated(
      `The entities want ${others.join(', ')}, for which no migration can be generated. Use an identity column instead ` +
        'of a sequence, and a text column with a CHECK instead of an enum. For anything else write the migration by ' +
        'hand, and give the entity synchronize: false.',
    );
  }
  const names = dataSource.entityMetadatas.map(({ tableName }) => tableName);
  const described = await describe(ask, names);
  return { described: withNotes(described, dataSource), sources: sourcesOf(dataSource) };
}

/**
 * Asks TypeORM, on a connection of its own.
 *
 * @returns the statements with which TypeORM would create the entities' tables in a schema that does not exist
 */
export async function statementsFor({ options }: DataSource, schema: string): Promise<string[]> {
  // TypeORM has one type for the options of all drivers. Ours is PostgreSQL, which has schemas.
  const other = new DataSource({ ...options, schema, migrations: [] } as DataSource['options']);
  await other.initialize();
  try {
    const { upQueries } = await other.driver.createSchemaBuilder().log();
    // `changes` writes to TypeORM's own table.
    return upQueries
      .map(({ query }) => query)
      .filter((query) => !query.includes('"typeorm_metadata"'));
  } finally {
    await other.destroy();
  }
}

/** Adds the expressions of generated columns, which TypeORM keeps in a table of its own. */
function withNotes({ tables, functions }: Described, { entityMetadatas }: DataSource): Described {
  const noted = entityMetadatas.map(({ tableName, columns }) => ({
    tableName,
    generated: new Map(
      columns.flatMap(({ asExpression, databaseName }): [string, string][] =>
        asExpression === undefined ? [] : [[databaseName, asExpression]],
      ),
    ),
  }));
  return {
    functions,
    tables: new Map(
      [...tables].map(([name, table]) => [
        name,
        { ...table, ...noted.find(({ tableName }) => tableName === name) },
      ]),
    ),
  };
}

function sourcesOf(dataSource: DataSource): Sources {
  const shapes = shapesOf(dataSource);
  return {
    functions: new Map(functionsOf(shapes, SCHEMA).map(({ name, sql }) => [name, sql])),
    triggers: new Map(
      shapes.flatMap(triggersOf).map(({ table, name, sql }) => [nameIn(table, name), sql]),
    ),
    checks: new Map(
      dataSource.entityMetadatas.flatMap(({ tableName, checks }) =>
        checks.map(({ name, expression }) => [nameIn(tableName, name), expression]),
      ),
    ),
    rows: new Map(shapes.map((shape) => [shape.ledger, ledgerRows(shape)])),
  };
}
