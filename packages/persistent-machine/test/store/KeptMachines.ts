/**
 * The machines of a lifecycle on a database of their own, without a server around them. Their tables are made from the
 * declaration, with the keys that the store relies on, and without the constraints that it does not.
 */
/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM declares its options as classes, and takes literals. */
import { Client } from 'pg';
import { DataSource, EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { createTestDatabase } from '../../../../test/harness/postgres';
import { Database, type Statement } from '../../src/database/Database';
import type { AnyLifecycle, Column } from '../../src/machine';
import { type MachineEntities, type MachineTables, tablesOf } from '../../src/operations/tables';
import { Lanes } from '../../src/store/Lanes';
import { MachineReader } from '../../src/store/MachineReader';
import { MachineStore } from '../../src/store/MachineStore';

const SQL_TYPES: Readonly<Record<Column['kind'], string>> = {
  text: 'text',
  int: 'integer',
  moment: 'timestamptz',
  flag: 'boolean',
};

type Columns = Record<string, EntitySchemaColumnOptions & { readonly type: string }>;

const moment = { type: 'timestamptz', precision: 3 } as const;

/** `paidCents` is `paid_cents`. */
const snake = (name: string): string => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();

/** The columns of all three tables. */
function columnsOf({
  machine: { declaration },
}: AnyLifecycle): Record<'record' | 'history', Columns> {
  const own = Object.fromEntries(
    Object.entries(declaration.columns).map(([property, { kind }]) => [
      property,
      { type: SQL_TYPES[kind], name: snake(property), nullable: true },
    ]),
  );
  const common: Columns = {
    version: { type: 'integer' },
    stateType: { type: 'text', name: 'state_type' },
    createdAt: { ...moment, name: 'created_at' },
    updatedAt: { ...moment, name: 'updated_at' },
    ...own,
  };
  const hasData = Object.values(declaration.events).some(({ data }) => data !== undefined);
  return {
    record: { id: { type: 'uuid', primary: true }, ...common },
    history: {
      owner: { type: 'uuid', name: 'owner_id', primary: true },
      ...common,
      version: { type: 'integer', primary: true },
      event: { type: 'text' },
      fromStateType: { type: 'text', name: 'from_state_type', nullable: true },
      occurredAt: { ...moment, name: 'occurred_at' },
      recordedAt: { ...moment, name: 'recorded_at' },
      position: { type: 'bigint' },
      actor: { type: 'text', nullable: true },
      idempotencyKey: { type: 'text', name: 'idempotency_key', nullable: true },
      token: { type: 'uuid', nullable: true },
      ...(hasData ? { data: { type: 'jsonb', nullable: true } } : {}),
    },
  };
}

/** The real one, which also remembers what was sent. */
class RememberingDatabase extends Database {
  readonly sent: Statement[] = [];

  override async run<Row extends object>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    this.sent.push(statement);
    return super.run<Row>(statement, values);
  }
}

export class KeptMachines<L extends AnyLifecycle> {
  readonly #clean: () => Promise<void>;

  private constructor(
    readonly lifecycle: L,
    readonly url: string,
    readonly database: RememberingDatabase,
    readonly tables: MachineTables,
    readonly store: MachineStore<L>,
    readonly reader: MachineReader<L>,
    /** A session of the tables' owner. */
    readonly session: Client,
    clean: () => Promise<void>,
  ) {
    this.#clean = clean;
  }

  static async of<L extends AnyLifecycle>(lifecycle: L): Promise<KeptMachines<L>> {
    const { plural } = lifecycle.machine;
    const { url, drop } = await createTestDatabase(null);
    const columns = columnsOf(lifecycle);
    const record = new EntitySchema({ name: plural, tableName: plural, columns: columns.record });
    const history = new EntitySchema({
      name: `${plural}History`,
      tableName: `${plural}_transitions`,
      columns: columns.history,
      uniques: [{ name: `${plural}_position_key`, columns: ['position'] }],
      indices: [
        {
          name: `${plural}_idempotency_key`,
          columns: ['owner', 'idempotencyKey'],
          unique: true,
          where: 'idempotency_key IS NOT NULL',
        },
      ],
    });
    const ledger = new EntitySchema({
      name: `${plural}Ledger`,
      tableName: `${plural}_ledger`,
      columns: {
        singleton: { type: 'boolean', primary: true, default: true },
        position: { type: 'bigint' },
        counts: { type: 'jsonb' },
      },
    });
    const dataSource = new DataSource({
      type: 'postgres',
      url,
      entities: [record, history, ledger],
      installExtensions: false,
      synchronize: true,
    });
    await dataSource.initialize();
    await dataSource.query(`INSERT INTO ${plural}_ledger (position, counts) VALUES (0, '{}')`);
    const database = new RememberingDatabase(dataSource, {
      preparedStatements: true,
      statementTimeout: 2_500,
    });
    // TypeORM finds the metadata of a schema by the schema, too; our entities are classes.
    const entities = { record, history, ledger } as unknown as MachineEntities;
    const tables = tablesOf(dataSource, entities);
    const lanes = new Lanes({ queueSize: 10_000 });
    const store = new MachineStore(database, tables, lifecycle, {
      lanes,
      timeout: 5_000,
      now: () => new Date(),
      onBrokenLedger: (error) => {
        throw error;
      },
    });
    const reader = new MachineReader(database, tables, lifecycle, { lanes, timeout: 5_000 });
    const session = new Client({ connectionString: url });
    await session.connect();
    const clean = async (): Promise<void> => {
      await session.end();
      await dataSource.destroy();
      await drop();
    };
    return new KeptMachines(lifecycle, url, database, tables, store, reader, session, clean);
  }

  /** The names of the statements that are sent meanwhile. */
  async statementsOf(asking: () => Promise<unknown>): Promise<string[]> {
    this.database.sent.length = 0;
    await asking();
    return this.database.sent.map(({ name }) => name);
  }

  /** All that the tables hold, in order: what must not change, compared as a whole. */
  async contents(): Promise<Record<'records' | 'history' | 'ledger', readonly object[]>> {
    const { records, history, ledger } = this.tables;
    const rowsOf = async (text: string): Promise<object[]> =>
      (await this.session.query<object>(text)).rows;
    return {
      records: await rowsOf(`SELECT * FROM ${records} ORDER BY id`),
      history: await rowsOf(`SELECT * FROM ${history} ORDER BY owner_id, version`),
      ledger: await rowsOf(`SELECT * FROM ${ledger}`),
    };
  }

  async close(): Promise<void> {
    await this.#clean();
  }
}

/** Nobody was asked who asks. */
export const nobody = { actor: null };

export const newId = uuidv7;
