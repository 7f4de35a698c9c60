/**
 * Hundreds of subscribers who come back at the same moment: how many statements that takes, and how many of the
 * pool's connections at once. The rest is for those who change something.
 */
import { uuidv7 } from 'uuidv7';
import type { DataSource } from 'typeorm';
import { createDataSource } from '../../ormconfig';
import { Database, type Statement } from 'persistent-machine/database/Database';
import { entitiesOf } from 'persistent-machine/integrity';
import { Life } from '../../src/entities';
import { Feed } from 'persistent-machine/feed/Feed';
import { WakeUps } from 'persistent-machine/feed/WakeUps';
import { Alive, lives as lifecycle } from '../../src/machine';
import { Lanes } from 'persistent-machine/store/Lanes';
import { MachineReader } from 'persistent-machine/store/MachineReader';
import { MachineStore } from 'persistent-machine/store/MachineStore';
import { tablesOf } from 'persistent-machine/operations/tables';
import { type TestDatabase, conceive, createTestDatabase } from '../harness';

/** Which nothing notifies here. */
const CHANNEL = 'life_transitions';

const SUBSCRIBERS = 300;
const LIVES = 1_300;
const BORN = 50;
const PAGES = 40;
const BEGINNING = { position: '0', fingerprint: null };

/** Counts what is sent: how often, and how much of it at once. */
class CountingDatabase extends Database {
  readonly counts = new Map<string, { sent: number; inFlight: number; most: number }>();

  override async run<Row extends object>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const count = this.counts.get(statement.name) ?? { sent: 0, inFlight: 0, most: 0 };
    this.counts.set(statement.name, count);
    count.sent += 1;
    count.inFlight += 1;
    count.most = Math.max(count.most, count.inFlight);
    try {
      return await super.run<Row>(statement, values);
    } finally {
      count.inFlight -= 1;
    }
  }

  /** What has been sent since, by names that begin so. */
  of(name: string): { readonly sent: number; readonly most: number } {
    const counts = [...this.counts].filter(([each]) => each.startsWith(name));
    return {
      sent: counts.reduce((sum, [, { sent }]) => sum + sent, 0),
      most: counts.reduce((sum, [, { most }]) => sum + most, 0),
    };
  }
}

let postgres: TestDatabase;
let dataSource: DataSource;
let database: CountingDatabase;
let lives: MachineStore<typeof lifecycle>;
let reader: MachineReader<typeof lifecycle>;
let feed: Feed<typeof lifecycle>;
let ids: readonly string[];

beforeAll(async () => {
  postgres = await createTestDatabase();
  dataSource = createDataSource({ url: postgres.url, poolSize: 10, connectTimeout: 60_000 });
  await dataSource.initialize();
  database = new CountingDatabase(dataSource, {
    preparedStatements: true,
    statementTimeout: 60_000,
  });
  const tables = tablesOf(dataSource, entitiesOf(Life));
  const limits = { timeout: 60_000, lanes: new Lanes({ queueSize: 10_000 }) };
  const fail = (error: unknown): never => {
    throw error;
  };
  lives = new MachineStore(database, tables, lifecycle, {
    ...limits,
    now: () => new Date(),
    onBrokenLedger: fail,
  });
  reader = new MachineReader(database, tables, lifecycle, limits);
  feed = new Feed(reader, lives, {
    wakeUps: new WakeUps({ url: postgres.url, channels: [CHANNEL], listen: false }),
    channel: CHANNEL,
    patience: 60_000,
    onFailure: fail,
    onRewound: fail,
  });
  ids = Array.from({ length: LIVES }, () => uuidv7());
  await Promise.all(ids.map((id) => conceive(lives, id)));
});

beforeEach(() => {
  database.counts.clear();
});

afterAll(async () => {
  await feed.stop();
  await dataSource.destroy();
  await postgres.drop();
});

test('equal pages are read once, and births go on beside them', async () => {
  const subscribers = await Promise.all(
    // By all events there are, which tells their statement from that of the tail.
    Array.from({ length: SUBSCRIBERS }, async () => feed.transitions(lifecycle.events, BEGINNING)),
  );
  // To look where the feed ends, and to prove a place: at most what is on its way, and one more.
  expect(database.of('ledger/census').sent).toBeLessThanOrEqual(3);
  expect(database.of('life_transitions/witnesses').sent).toBeLessThanOrEqual(2);
  const births = Promise.all(
    ids.slice(0, BORN).map(async (id) => lives.transition(id, 'Birth', {}, { actor: null })),
  );
  for (let told = 1; told <= LIVES; told += 1) {
    const positions = await Promise.all(
      subscribers.map(async (subscriber) => (await subscriber.next()).value?.position),
    );
    expect(new Set(positions)).toEqual(new Set([String(told)]));
  }
  for (const born of await births) expect(born).toBeInstanceOf(Alive);
  const { sent, most } = database.of('life_transitions/tail/by');
  expect(most).toBeLessThanOrEqual(2);
  expect(sent).toBeLessThanOrEqual(3 * Math.ceil(LIVES / 500));
  for (const subscriber of subscribers) await subscriber.return?.();
  // The others are bystanders.
  expect((await reader.census()).counts).toMatchObject({
    Gestating: LIVES - BORN,
    Alive: BORN,
  });
});

test('different pages are read two at a time', async () => {
  const places = Array.from({ length: PAGES }, (_each, index) => ({
    position: String(2 * index),
    fingerprint: null,
  }));
  const pages = await Promise.all(
    places.map(async (place) => reader.subscribers.catchUp(['Conception'], place)),
  );
  expect(pages.map(({ nodes }) => nodes[0]?.position)).toEqual(
    places.map(({ position }) => String(Number(position) + 1)),
  );
  expect(database.of('life_transitions/tail')).toEqual({ sent: PAGES, most: 2 });
});

test('what follows of many lives is read many at a time, and one after the other', async () => {
  const begun = await Promise.all(
    ids.slice(0, SUBSCRIBERS).map((id) => reader.past(id, { version: 1 })),
  );
  const pages = await Promise.all(
    begun.map(async (life) => (life === null ? null : reader.subscribers.following(life))),
  );
  expect(pages.map((page) => page?.nodes.map(({ event }) => event))).toEqual(
    begun.map((_life, index) => (index < BORN ? ['Birth'] : [])),
  );
  const { sent, most } = database.of('life_transitions/following');
  expect(most).toBe(1);
  expect(sent).toBeLessThanOrEqual(1 + Math.ceil(SUBSCRIBERS / 32));
});

test('the ledger is measured once for all who look at the metrics meanwhile', async () => {
  const sizes = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, async () => reader.ledgerSize()),
  );
  expect(new Set(sizes)).toEqual(new Set([expect.any(Number)]));
  expect(database.of('ledger/size')).toEqual({ sent: 1, most: 1 });
});
