/**
 * What the entities of a DataSource, with the declarations of their machines, want of a database, and it lacks; and
 * what it has too much. Changes nothing: all that is made on the way is taken back.
 */
import type { DataSource, QueryRunner } from 'typeorm';
import { schemaOf } from '../internals';
import { type Ask, TYPEORMS, describe } from './catalog';
import { changes } from './changes';
import { type Described, SCHEMA } from './described';
import { identifier } from './names';
import { NotGenerated } from './NotGenerated';
import { statementsFor, wantedBy } from './wanted';

export interface Differences {
  /** The statements that give the database what is wanted, in this order; `SCHEMA` stands in for the schema's name. */
  readonly up: readonly string[];
  /** Those that give back what was. */
  readonly down: readonly string[];
  /** Tables of no entity, which are left as they are. */
  readonly others: readonly string[];
}

/** What is wanted is made in it for a moment, and never committed. */
const SCRATCH = 'persistent_machine_scratch';

/**
 * @param dataSource initialized, on a database that has all migrations
 * @throws NotGenerated where the statements cannot be found, or would not do what they should
 */
export async function differencesOf(dataSource: DataSource): Promise<Differences> {
  // Before the transaction begins, which would be idle meanwhile.
  const tables = await statementsFor(dataSource, SCRATCH);
  const queryRunner = dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    return await differencesIn(queryRunner, tables);
  } finally {
    if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    await queryRunner.release();
  }
}

/** @param statements by which TypeORM makes the tables in the scratch schema */
async function differencesIn(
  queryRunner: QueryRunner,
  statements: readonly string[],
): Promise<Differences> {
  const { dataSource } = queryRunner;
  const ask: Ask = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    queryRunner.manager.query<Row[]>(text, [...values]);
  const path = await pathOf(ask);
  const enter = async (first: string): Promise<void> => {
    await ask(`SELECT set_config('search_path', $1, true)`, [
      [identifier(first), ...path].join(', '),
    ]);
  };
  const enterScratch = async (): Promise<void> => {
    await ask(`DROP SCHEMA IF EXISTS ${SCRATCH} CASCADE`);
    await ask(`CREATE SCHEMA ${SCRATCH}`).catch((error: unknown) => {
      throw new NotGenerated(
        'What is wanted is made for a moment in a schema of its own, which this role may not create: GRANT CREATE ON ' +
          `DATABASE to it. PostgreSQL says: ${String(error)}`,
        { cause: error },
      );
    });
    await enter(SCRATCH);
  };

  await enterScratch();
  const { described: wanted, sources } = await wantedBy(dataSource, statements, ask, SCRATCH);
  await enter(schemaOf(dataSource));
  const tables = [...wanted.tables.keys()];
  const functions = [...wanted.functions.keys()];
  const actual = await describe(ask, tables, functions);
  const others = await othersThan(
    ask,
    dataSource.entityMetadatas.map(({ tableName }) => tableName),
  );
  const kept = new Set((await describe(ask, others)).functions.keys());
  const up = changes(actual, wanted, { kept, sources });
  const down = changes(wanted, actual, { kept });
  if (up.length > 0) {
    await enterScratch();
    // TypeORM's, of which an application that was never migrated has none.
    await ask(
      'CREATE TABLE typeorm_metadata (type text, database text, schema text, "table" text, name text, value text)',
    );
    const become = async (expected: Described, changing: readonly string[]): Promise<void> => {
      for (const statement of changing) await ask(statement.replaceAll(SCHEMA, SCRATCH));
      refuseWhatDiffers(await describe(ask, tables, functions), expected);
    };
    await become(actual, changes(NOTHING, actual));
    await become(wanted, up);
    await become(actual, down);
  }
  return { up, down, others };
}

const NOTHING: Described = { tables: new Map(), functions: new Map() };

/** Where types and functions of extensions are found, whose names stay as they are. */
async function pathOf(ask: Ask): Promise<string[]> {
  const [row] = await ask<{ path: string[] }>(
    `SELECT ARRAY(SELECT quote_ident(name) FROM unnest(current_schemas(false)) AS name) AS path`,
  );
  return row?.path ?? [];
}

/** The tables of the schema that are no entity's, nor TypeORM's. */
async function othersThan(ask: Ask, tables: readonly string[]): Promise<string[]> {
  const rows = await ask<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL ($1)
     ORDER BY name`,
    [[...tables, ...TYPEORMS]],
  );
  return rows.map(({ name }) => name);
}

/** So that no migration is written which does not do what it is for, both ways. */
function refuseWhatDiffers(found: Described, expected: Described): void {
  const [first] = changes(found, expected);
  if (first === undefined) return;
  throw new NotGenerated(
    `No migration can be generated: after its statements the schema would still need this one.\n${first}`,
  );
}
