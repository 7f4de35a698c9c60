/** The machines of a lifecycle on a database of their own, with all that keeps it right, and without a server around them. */
import { Client } from 'pg';
import { Entity } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { Database, type Statement } from '../../src/database/Database';
import { entitiesOf, entityOf } from '../../src/integrity';
import type { AnyLifecycle } from '../../src/machine';
import { type MachineTables, tablesOf } from '../../src/operations/tables';
import { Lanes } from '../../src/store/Lanes';
import { MachineReader } from '../../src/store/MachineReader';
import { MachineStore } from '../../src/store/MachineStore';
import { connect, openWith } from '../integrity/databases';

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
    class Kept extends entityOf(lifecycle.machine) {}
    Entity()(Kept);
    const entities = entitiesOf(Kept);
    const { url, drop } = await openWith(Object.values(entities));
    const dataSource = await connect(url, Object.values(entities));
    const database = new RememberingDatabase(dataSource, {
      preparedStatements: true,
      statementTimeout: 60_000,
    });
    const tables = tablesOf(dataSource, entities);
    const lanes = new Lanes({ queueSize: 10_000 });
    const store = new MachineStore(database, tables, lifecycle, {
      lanes,
      timeout: 60_000,
      now: () => new Date(),
      onBrokenLedger: (error) => {
        throw error;
      },
    });
    const reader = new MachineReader(database, tables, lifecycle, { lanes, timeout: 60_000 });
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
    const { records, history, ledger, owner } = this.tables;
    const rowsOf = async (text: string): Promise<object[]> =>
      (await this.session.query<object>(text)).rows;
    return {
      records: await rowsOf(`SELECT * FROM ${records} ORDER BY id`),
      history: await rowsOf(`SELECT * FROM ${history} ORDER BY ${owner.name}, version`),
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
