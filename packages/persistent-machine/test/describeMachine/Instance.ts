/** One instance of a service: the store, the reader and the feed of a machine, with a pool of connections of its own. */
import { randomUUID } from 'node:crypto';
import { Entity } from 'typeorm';
import { Database } from '../../src/database/Database';
import { dataSourceOf } from '../../src/database/dataSource';
import { Feed } from '../../src/feed/Feed';
import { Notifier } from '../../src/feed/Notifier';
import { WakeUps } from '../../src/feed/WakeUps';
import { entitiesOf, entityOf } from '../../src/integrity';
import type { AnyLifecycle } from '../../src/machine';
import { tablesOf } from '../../src/operations/tables';
import { Lanes } from '../../src/store/Lanes';
import { MachineReader } from '../../src/store/MachineReader';
import { MachineStore } from '../../src/store/MachineStore';

export interface Instance<L extends AnyLifecycle = AnyLifecycle> {
  readonly store: MachineStore<L>;
  readonly reader: MachineReader<L>;
  readonly feed: Feed<L>;
  readonly stop: () => Promise<void>;
}

/**
 * @param url of a database that has the machine's tables
 * @param now the instance's clock
 * @param partitions how many the database has
 */
export async function startInstance<L extends AnyLifecycle>(
  lifecycle: L,
  url: string,
  now: () => Date,
  partitions = 1,
): Promise<Instance<L>> {
  class Kept extends entityOf(lifecycle.machine) {}
  Entity()(Kept);
  const entities = entitiesOf(Kept);
  const settings = { url, poolSize: 10, connectTimeout: 5_000 };
  const dataSource = dataSourceOf(settings, { machines: [{ entities }], migrations: [] });
  await dataSource.initialize();
  const database = new Database(dataSource, { preparedStatements: true, statementTimeout: 10_000 });
  const tables = tablesOf(dataSource, entities, partitions);
  const lanes = new Lanes({ queueSize: 10_000 });
  const timeout = 20_000;
  const fail = (error: unknown): never => {
    throw error;
  };
  const store = new MachineStore(database, tables, lifecycle, {
    lanes,
    timeout,
    now,
    onCommit: () => {
      feed.changed();
      notifier.changed();
    },
    onBrokenLedger: fail,
  });
  const reader = new MachineReader(database, tables, lifecycle, { lanes, timeout });
  const { channel } = tables;
  const ownPayload = randomUUID();
  // A notification is only a hint: it may fail, as when the instance has been stopped meanwhile.
  const notifier = new Notifier(database, channel, ownPayload, () => undefined);
  const feed = new Feed<L>(reader, store, {
    wakeUps: new WakeUps({ url, channels: [channel], ownPayload, listen: true }),
    channel,
    patience: 60_000,
    onFailure: fail,
    onRewound: fail,
  });
  return {
    store,
    reader,
    feed,
    stop: async () => {
      await feed.stop();
      await dataSource.destroy();
    },
  };
}
