/**
 * Compares the schema that the entities and declarations of a DataSource want with the one that the database has. It
 * works in a transaction that it rolls back, and so changes nothing.
 */
import type { DataSource, QueryRunner } from 'typeorm';
import { areDistributed } from '../database/distribution';
import { schemaOf } from '../internals';
import { type Ask, TYPEORM_TABLES, describe } from './catalog';
import { changes } from './changes';
import { type Described, inDatabase } from './described';
import { shapesOf } from './entities';
import { identifier } from './names';
import { NotGenerated } from './NotGenerated';
import { statementsFor, wantedBy } from './wanted';

export interface Differences {
  /** The statements that give the database the wanted schema, in order. `inDatabase` completes them. */
  readonly up: readonly string[];
  /** The statements that restore the former schema. */
  readonly down: readonly string[];
  /** Tables of no entity, which are left as they are. */
  readonly others: readonly string[];
}

/** Where the wanted tables are created; it is never committed. A description has neither fact. */
const SCRATCH = { schema: 'persistent_machine_scratch', partitions: 1 };

/**
 * @param dataSource an initialized one, whose database has all migrations
 * @throws NotGenerated if the statements cannot be found, or would not lead to the wanted schema
 */
export async function differencesOf(dataSource: DataSource): Promise<Differences> {
  // Before the transaction begins, since it would idle meanwhile.
  const tables = await statementsFor(dataSource, SCRATCH.schema);
  const queryRunner = dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    return await differencesIn(queryRunner, tables);
  } finally {
    if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    await queryRunner.release();
  }
}

/** @param statements with which TypeORM would create the tables in the scratch schema */
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
    await ask(`DROP SCHEMA IF EXISTS ${SCRATCH.schema} CASCADE`);
    await ask(`CREATE SCHEMA ${SCRATCH.schema}`).catch((error: unknown) => {
      throw new NotGenerated(
        'To compare, the wanted tables are created for a moment in a schema of their own, which this role may not ' +
          `create: GRANT CREATE ON DATABASE to it. PostgreSQL says: ${String(error)}`,
        { cause: error },
      );
    });
    await enter(SCRATCH.schema);
  };

  await enterScratch();
  const { described: wanted, sources } = await wantedBy(dataSource, statements, ask, SCRATCH);
  await enter(schemaOf(dataSource));
  const tables = [...wanted.tables.keys()];
  const functions = [...wanted.functions.keys()];
  const described = await describe(ask, tables, functions);
  const isDistributed = await areDistributed(ask, schemaOf(dataSource), tables);
  const actual = isDistributed ? withTriggersOf(wanted, described) : described;
  refuseForeignLedgers(dataSource, actual);
  const others = await othersThan(
    ask,
    dataSource.entityMetadatas.map(({ tableName }) => tableName),
  );
  const kept = new Set((await describe(ask, others)).functions.keys());
  const up = changes(actual, wanted, { kept, sources });
  const down = changes(wanted, actual, { kept });
  if (up.length > 0) {
    await enterScratch();
    // The statements write to this table of TypeORM's.
    await ask(
      'CREATE TABLE typeorm_metadata (type text, database text, schema text, "table" text, name text, value text)',
    );
    const become = async (expected: Described, changing: readonly string[]): Promise<void> => {
      for (const statement of changing) await ask(inDatabase(statement, SCRATCH));
      refuseWhatDiffers(await describe(ask, tables, functions), expected);
    };
    await become(actual, changes(NOTHING, actual));
    await become(wanted, up);
    await become(actual, down);
  }
  return { up, down, others };
}

/** Citus takes no triggers, and migrations leave them out in a cluster. So there they count as made. */
function withTriggersOf(
  { tables: wanted }: Described,
  { tables, functions }: Described,
): Described {
  return {
    functions,
    tables: new Map(
      [...tables].map(([name, table]) => [
        name,
        { ...table, triggers: wanted.get(name)?.triggers ?? table.triggers },
      ]),
    ),
  };
}

/**
 * Refuses to take over another machine's ledger. One machine may be bare, and its ledger has no machine's name in front:
 * if another machine becomes bare, the table is there already, and counts the former one's transitions.
 */
function refuseForeignLedgers(dataSource: DataSource, { tables }: Described): void {
  for (const { machine, history, ledger } of shapesOf(dataSource)) {
    if (tables.has(ledger) && !tables.has(history)) {
      throw new NotGenerated(
        `The table ${ledger} belongs to another machine: ${machine} has no table ${history} yet. Generate the migration ` +
          'on an empty database, or leave `bare` to the machine that had it.',
      );
    }
  }
}

const NOTHING: Described = { tables: new Map(), functions: new Map() };

/** The search path, so that types and functions of extensions are found under their usual names. */
async function pathOf(ask: Ask): Promise<string[]> {
  const [row] = await ask<{ path: string[] }>(
    `SELECT ARRAY(SELECT quote_ident(name) FROM unnest(current_schemas(false)) AS name) AS path`,
  );
  return row?.path ?? [];
}

/** The tables of the schema that belong neither to an entity nor to TypeORM. */
async function othersThan(ask: Ask, tables: readonly string[]): Promise<string[]> {
  const rows = await ask<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL ($1)
     ORDER BY name`,
    [[...tables, ...TYPEORM_TABLES]],
  );
  return rows.map(({ name }) => name);
}

/** Refuses a migration that, when it was tried in either direction, left differences. */
function refuseWhatDiffers(found: Described, expected: Described): void {
  const [first] = changes(found, expected);
  if (first === undefined) return;
  throw new NotGenerated(
    `No migration can be generated: after its statements the schema would still need this one.\n${first}`,
  );
}
