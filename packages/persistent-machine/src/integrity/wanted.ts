/**
 * What entities and declarations want a schema to have. TypeORM says what tables it would make of the entities, and
 * PostgreSQL itself makes sense of every expression: so what is wanted is made, for a moment, in a schema of its own.
 * Knows nothing of the database as it is.
 */
import { DataSource } from 'typeorm';
import { type Ask, describe, indescribable } from './catalog';
import { type Sources, nameIn } from './changes';
import { type Described, SCHEMA } from './described';
import { shapesOf } from './entities';
import { functionsOf } from './functions';
import { NotGenerated } from './NotGenerated';
import { ledgerRow, triggersOf } from './triggers';

export interface Wanted {
  readonly described: Described;
  readonly sources: Sources;
}

/**
 * @param dataSource initialized
 * @param tables what `statementsFor` gives for the schema `scratch`
 * @param ask within a transaction whose first schema is `scratch`, which is empty
 * @throws NotGenerated where an entity wants what cannot be described
 */
export async function wantedBy(
  dataSource: DataSource,
  tables: readonly string[],
  ask: Ask,
  scratch: string,
): Promise<Wanted> {
  for (const statement of tables) await ask(statement);
  const shapes = shapesOf(dataSource);
  for (const { sql } of functionsOf(shapes, scratch)) await ask(sql);
  for (const { sql } of shapes.flatMap(triggersOf)) await ask(sql);
  const others = await indescribable(ask);
  if (others.length > 0) {
    throw new NotGenerated(
      `The entities want ${others.join(', ')}, which no migration can be generated for: an identity column serves in ` +
        'place of a sequence, a text with a CHECK in place of an enum. Anything else is for a migration by hand, and ' +
        'an entity with synchronize: false.',
    );
  }
  const names = dataSource.entityMetadatas.map(({ tableName }) => tableName);
  const described = await describe(ask, names);
  return { described: withNotes(described, dataSource), sources: sourcesOf(dataSource) };
}

/**
 * On a connection of its own.
 *
 * @returns the statements by which TypeORM would make the entities' tables in a schema that is not there
 */
export async function statementsFor({ options }: DataSource, schema: string): Promise<string[]> {
  // TypeORM types every driver's options alike, and only some have a schema: ours is PostgreSQL.
  const other = new DataSource({ ...options, schema, migrations: [] } as DataSource['options']);
  await other.initialize();
  try {
    const { upQueries } = await other.driver.createSchemaBuilder().log();
    // Its own notes are added below.
    return upQueries
      .map(({ query }) => query)
      .filter((query) => !query.includes('"typeorm_metadata"'));
  } finally {
    await other.destroy();
  }
}

/** With what TypeORM keeps of generated columns. */
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
    rows: new Map(shapes.map((shape) => [shape.ledger, ledgerRow(shape)])),
  };
}
