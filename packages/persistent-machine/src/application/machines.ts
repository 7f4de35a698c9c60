/**
 * Makes a store, a reader and a feed for each served machine, on one database, with one listening connection for all.
 * Knows neither GraphQL nor HTTP.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { Configuration } from '../config';
import type { Database, Reader } from '../database/Database';
import { TablesMissing } from '../database/failures';
import { Feed } from '../feed/Feed';
import { Notifier } from '../feed/Notifier';
import { WakeUps } from '../feed/WakeUps';
import { Machines } from '../graphql/context';
import type { ServedMachine } from '../graphql/schema';
import type { MachineReadings, Metrics } from '../metrics';
import type { GroupTracer } from '../store/LaneSettings';
import { Lanes } from '../store/Lanes';
import { MachineReader } from '../store/MachineReader';
import { MachineStore } from '../store/MachineStore';
import { Slots } from '../store/Slots';
import type { MachineTables } from '../operations/tables';
import type { OpenedDatabase } from './database';
import type { Parts } from './Parts';

/** How long a subscriber may read nothing before its subscription ends with `LAGGED`, in milliseconds. */
const LAG_LIMIT = 60_000;

/** What all machines of one application share. */
export interface Shared {
  readonly configuration: Configuration;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly parts: Parts;
  readonly opened: OpenedDatabase;
  /** Reads pages that may be stale. */
  readonly pages: Reader;
  readonly tracer: GroupTracer | undefined;
  /** Called when a machine's ledger is broken, and its store refuses all further changes. */
  readonly onBrokenLedger: () => void;
}

/** Starts the machines, and has the metrics measure them. */
export function startMachines(served: readonly ServedMachine[], shared: Shared): Machines {
  const { opened, configuration, metrics } = shared;
  const machines = new Machines();
  const sender = randomUUID();
  const wakeUps = new WakeUps({
    url: opened.url,
    channels: opened.tables.map(({ channel }) => channel),
    ownPayload: sender,
    listen: configuration.listen,
  });
  // Two thirds of the connections.
  const slots = new Slots(Math.max(1, Math.floor((configuration.databasePoolSize * 2) / 3)));
  const readings = served.map((machine, index) => {
    const tables = opened.tables[index];
    if (tables === undefined) throw new Error(`${machine.lifecycle.machine.name} has no tables.`);
    return startMachine(machine, tables, { ...shared, machines, wakeUps, slots, sender });
  });
  metrics.read({ machines: readings, connections: () => opened.database.connections });
  return machines;
}

interface Surroundings extends Shared {
  readonly machines: Machines;
  readonly wakeUps: WakeUps;
  /** For the changes of all machines that have several partitions. */
  readonly slots: Slots;
  /** Marks this instance's own notifications. */
  readonly sender: string;
}

function startMachine(
  { lifecycle }: ServedMachine,
  tables: MachineTables,
  { configuration, log, machines, parts, opened, pages, tracer, ...shared }: Surroundings,
): MachineReadings {
  const { name } = lifecycle.machine;
  const { database } = opened;
  const observer = shared.metrics.ofMachine(name);
  const timeout = configuration.requestTimeout;
  const lanes = new Lanes({
    queueSize: configuration.maxQueue,
    slots: shared.slots,
    tracer,
    onGroup: observer.onGroup,
  });
  const notifier = notifierOf(database, tables, shared.sender, configuration, log);
  const store = new MachineStore(database, tables, lifecycle, {
    lanes,
    timeout,
    onTransition: observer.onTransition,
    now: () => new Date(),
    onCommit: () => {
      feed.changed();
      notifier?.changed();
    },
    onBrokenLedger: (error) => {
      shared.onBrokenLedger();
      log.fatal(
        { machine: name, err: error },
        'The ledger is broken: no more changes are accepted',
      );
    },
  });
  const reader = new MachineReader(database, tables, lifecycle, { lanes, timeout, pages });
  const feed = new Feed(reader, store, {
    wakeUps: shared.wakeUps,
    channel: tables.channel,
    patience: LAG_LIMIT,
    onFailure: (error) => {
      // TableWatch reports missing tables, and waits for them.
      if (error instanceof TablesMissing) return;
      log.error({ machine: name, err: error }, 'The feed could not be read');
    },
    onRewound: (error) => {
      log.error(
        { machine: name, err: error },
        'The history was set back to an earlier time: its subscriptions end with FEED_REWOUND',
      );
    },
  });
  parts.add(() => feed.stop());
  machines.serve(lifecycle, { store, reader, feed });
  return {
    name,
    queues: () => lanes.lengths,
    subscribers: () => feed.subscribers,
    feedLag: () => feed.lag,
    ledgerSize: () => reader.ledgerSize(),
  };
}

/** @returns undefined if notifications are off */
function notifierOf(
  database: Database,
  { channel }: MachineTables,
  sender: string,
  { listen }: Configuration,
  log: FastifyBaseLogger,
): Notifier | undefined {
  if (!listen) return undefined;
  return new Notifier(database, channel, sender, (error) => {
    log.error({ err: error }, 'Other instances cannot be notified: they poll for transitions');
  });
}
