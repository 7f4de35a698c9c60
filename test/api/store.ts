/** The store on a database of its own, without a server. */
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { createDataSource } from '../../ormconfig';
import { Database } from 'persistent-machine/database/Database';
import { areDistributed } from 'persistent-machine/database/distribution';
import { entitiesOf } from 'persistent-machine/integrity';
import { Life } from '../../src/entities';
import { type Phase, lives as lifecycle } from '../../src/machine';
import { Lanes } from 'persistent-machine/store/Lanes';
import { MachineReader } from 'persistent-machine/store/MachineReader';
import { MachineStore } from 'persistent-machine/store/MachineStore';
import { tablesOf } from 'persistent-machine/operations/tables';
import { createTestDatabase } from '../harness';
import { PARTITIONS } from '../harness/topology';

export type LifeStore = MachineStore<typeof lifecycle>;
export type LifeReader = MachineReader<typeof lifecycle>;

export interface TestStore {
  readonly lives: LifeStore;
  readonly reader: LifeReader;
  readonly dataSource: DataSource;
  readonly url: string;
  /** Called after each commit. A test may replace it. */
  onCommit: () => void;
  /** A session as the tables' owner, which ends with the store. */
  connect(): Promise<Client>;
  close(): Promise<void>;
}

/** @param now the store's clock */
export async function createStore(now: () => Date = () => new Date()): Promise<TestStore> {
  const { url, drop } = await createTestDatabase();
  const dataSource = createDataSource({ url, poolSize: 10, connectTimeout: 60_000 });
  await dataSource.initialize();
  const database = new Database(dataSource, { preparedStatements: true, statementTimeout: 60_000 });
  const asking = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    dataSource.query<Row[]>(text, [...values]);
  const isDistributed = await areDistributed(asking, 'public', ['lives']);
  const tables = tablesOf(dataSource, entitiesOf(Life), PARTITIONS, isDistributed);
  const lanes = new Lanes({ queueSize: 10_000 });
  const lives = new MachineStore(database, tables, lifecycle, {
    now,
    onCommit: () => {
      store.onCommit();
    },
    timeout: 60_000,
    lanes,
    onBrokenLedger: (error) => {
      throw error;
    },
  });
  const clients: Client[] = [];
  const store: TestStore = {
    onCommit: () => undefined,
    lives,
    reader: new MachineReader(database, tables, lifecycle, {
      timeout: 60_000,
      lanes,
    }),
    dataSource,
    url,
    connect: async () => {
      const client = new Client({ connectionString: url });
      await client.connect();
      clients.push(client);
      return client;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.end()));
      await dataSource.destroy();
      await drop();
    },
  };
  return store;
}

/** All rows of the tables, in order, so that a test can compare them as a whole. */
export interface Contents {
  readonly lives: readonly object[];
  readonly transitions: readonly object[];
  readonly ledger: readonly object[];
}

export async function contentsOf(client: Pick<Client, 'query'>): Promise<Contents> {
  const rowsOf = async (text: string): Promise<object[]> => (await client.query<object>(text)).rows;
  return {
    lives: await rowsOf('SELECT * FROM lives ORDER BY id'),
    transitions: await rowsOf('SELECT * FROM life_transitions ORDER BY life_id, version'),
    ledger: await rowsOf('SELECT * FROM ledger ORDER BY ledger'),
  };
}

/** Conceives a life in a store. */
export async function conceive(lives: LifeStore, id: string): Promise<Phase> {
  return lives.begin(id, {}, { actor: null });
}
