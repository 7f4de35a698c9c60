/**
 * Opens a database for the machines of one lifecycle, with their store and reader, and without a server around them.
 */
import { Client } from 'pg';
import { type DataSource, Entity } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { dataSourceOf } from '../../src/database/dataSource';
import { entitiesOf, entityOf } from '../../src/integrity';
import type { AnyLifecycle } from '../../src/machine';
import { type MachineTables, tablesOf } from '../../src/operations/tables';
import { Lanes } from '../../src/store/Lanes';
import { MachineReader } from '../../src/store/MachineReader';
import { MachineStore } from '../../src/store/MachineStore';
import { openWith } from '../integrity/databases';
import { RememberingDatabase } from './RememberingDatabase';

/** One of several instances of an application, with a pool of its own. */
export interface Instance<L extends AnyLifecycle> {
  readonly database: RememberingDatabase;
  readonly tables: MachineTables;
  readonly store: MachineStore<L>;
  readonly reader: MachineReader<L>;
}

export interface Limits {
  /** How many partitions the database has. */
  readonly partitions?: number;
  /** The most entries that wait in one lane. */
  readonly queueSize?: number;
  /** The most connections of an instance. */
  readonly poolSize?: number;
  /** How long a statement may take, in milliseconds. */
  readonly statementTimeout?: number;
  /** How long a request may take, in milliseconds. */
  readonly timeout?: number;
}

export class KeptMachines<L extends AnyLifecycle> implements Instance<L> {
  /** Called after each commit of this instance, and not of its neighbours. A test may replace it. */
  onCommit: () => void = () => undefined;
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
    /** Starts another instance on the same database, which ends with this one. */
    readonly neighbour: () => Promise<Instance<L>>,
    clean: () => Promise<void>,
  ) {
    this.#clean = clean;
  }

  static async of<L extends AnyLifecycle>(
    lifecycle: L,
    {
      partitions = 1,
      queueSize = 10_000,
      poolSize = 10,
      statementTimeout = 60_000,
      timeout = 60_000,
    }: Limits = {},
  ): Promise<KeptMachines<L>> {
    class Kept extends entityOf(lifecycle.machine) {}
    Entity()(Kept);
    const entities = entitiesOf(Kept);
    const { url, drop } = await openWith(Object.values(entities), partitions);
    const dataSources: DataSource[] = [];
    const start = async (onCommit = (): void => undefined): Promise<Instance<L>> => {
      const settings = { url, poolSize, connectTimeout: 60_000 };
      const dataSource = dataSourceOf(settings, { machines: [{ entities }], migrations: [] });
      await dataSource.initialize();
      dataSources.push(dataSource);
      const database = new RememberingDatabase(dataSource, {
        preparedStatements: true,
        statementTimeout,
      });
      const tables = tablesOf(dataSource, entities, partitions);
      const lanes = new Lanes({ queueSize });
      const store = new MachineStore(database, tables, lifecycle, {
        lanes,
        timeout,
        now: () => new Date(),
        onCommit,
        onBrokenLedger: (error) => {
          throw error;
        },
      });
      const reader = new MachineReader(database, tables, lifecycle, { lanes, timeout });
      return { database, tables, store, reader };
    };
    const { database, tables, store, reader } = await start(() => {
      kept.onCommit();
    });
    const session = new Client({ connectionString: url });
    await session.connect();
    const clean = async (): Promise<void> => {
      await session.end();
      for (const dataSource of dataSources) await dataSource.destroy();
      await drop();
    };
    const kept = new KeptMachines<L>(
      lifecycle,
      url,
      database,
      tables,
      store,
      reader,
      session,
      async () => start(),
      clean,
    );
    return kept;
  }

  /** Runs an action, and returns the names of the statements that it sent. */
  async statementsOf(asking: () => Promise<unknown>): Promise<string[]> {
    this.database.sent.length = 0;
    await asking();
    return this.database.sent.map(({ name }) => name);
  }

  /** All rows of the tables, in order, for comparison as a whole. */
  async contents(): Promise<Record<'records' | 'history' | 'ledger', readonly object[]>> {
    const { records, history, ledger, owner } = this.tables;
    const rowsOf = async (text: string): Promise<object[]> =>
      (await this.session.query<object>(text)).rows;
    return {
      records: await rowsOf(`SELECT * FROM ${records} ORDER BY id`),
      history: await rowsOf(`SELECT * FROM ${history} ORDER BY ${owner.name}, version`),
      ledger: await rowsOf(`SELECT * FROM ${ledger} ORDER BY partition`),
    };
  }

  async close(): Promise<void> {
    await this.#clean();
  }
}

/** A request without an actor. */
export const anonymous = { actor: null };

export const newId = uuidv7;
