/** The store with a second machine: what it does for lives it does for doors, which go round and round. */
import { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { Database } from 'persistent-machine/database/Database';
import { Feed } from 'persistent-machine/feed/Feed';
import { WakeUps } from 'persistent-machine/feed/WakeUps';
import { IdempotencyKeyReused, IllegalTransition, edgesOf } from '../../src/machine';
import { Lanes } from 'persistent-machine/store/Lanes';
import { MachineReader } from 'persistent-machine/store/MachineReader';
import { MachineStore } from 'persistent-machine/store/MachineStore';
import { tablesOf } from 'persistent-machine/operations/tables';
import { type TestDatabase, createTestDatabase } from '../harness';
import {
  Closed,
  type DoorPhase,
  type DoorRecord,
  Locked,
  Open,
  doorMachine,
  doorOf,
  steps,
} from './door';
import { DOOR_TABLES, DoorEntity, DoorLedger, DoorTransition } from './tables';

const nobody = { actor: null };

let database: TestDatabase;
let dataSource: DataSource;
let doors: MachineStore<DoorRecord, DoorPhase>;
let reader: MachineReader<DoorRecord, DoorPhase>;
let bystander: DoorPhase;
let channel: string;

const install = async (): Promise<DoorPhase> =>
  doors.begin('Installation', (now) => Closed.install(uuidv7(), now), nobody);

beforeAll(async () => {
  database = await createTestDatabase(null);
  dataSource = new DataSource({
    type: 'postgres',
    url: database.url,
    entities: [DoorEntity, DoorTransition, DoorLedger],
    installExtensions: false,
  });
  await dataSource.initialize();
  await dataSource.query(DOOR_TABLES);
  const connection = new Database(dataSource, {
    preparedStatements: true,
    statementTimeout: 2_500,
  });
  const tables = tablesOf(dataSource, {
    record: DoorEntity,
    history: DoorTransition,
    ledger: DoorLedger,
  });
  ({ channel } = tables);
  const lanes = new Lanes({ queueSize: 10_000 });
  doors = new MachineStore(connection, tables, doorOf, {
    machine: doorMachine,
    now: () => new Date(),
    timeout: 5_000,
    lanes,
    onBrokenLedger: (error) => {
      throw error;
    },
  });
  reader = new MachineReader(connection, tables, doorOf, {
    timeout: 5_000,
    lanes,
  });
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

beforeEach(async () => {
  bystander = await install();
});

afterEach(async () => {
  expect(await doors.find(bystander.state.id)).toEqual(bystander);
});

test('its entities describe its very tables', async () => {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

test('a door goes round, and its history is the way that it went', async () => {
  const { id } = (await install()).state;
  const way = ['Opening', 'Closing', 'Locking', 'Unlocking', 'Opening'] as const;
  for (const event of way) {
    expect(await doors.transition(id, event, steps[event], nobody)).not.toBeInstanceOf(
      IllegalTransition,
    );
  }
  expect(await doors.find(id)).toBeInstanceOf(Open);

  const { nodes } = await reader.history(id, { from: 'start', size: 10 });
  expect(nodes.map(({ event }) => event)).toEqual(['Installation', ...way]);
  const edges = edgesOf(doorMachine);
  for (const { event, from, phase } of nodes) {
    expect(edges).toContainEqual({ event, from, to: phase.stateType });
  }
});

test('a locked door is not opened', async () => {
  const { id } = (await install()).state;
  const locked = await doors.transition(id, 'Locking', steps.Locking, nobody);
  expect(locked).toBeInstanceOf(Locked);
  expect(await doors.transition(id, 'Opening', steps.Opening, nobody)).toMatchObject({
    from: 'Locked',
    nextEvents: ['Unlocking'],
    life: locked,
  });
  expect(await doors.find(id)).toEqual(locked);
});

test('of 30 who open and 30 who lock one door at once, one wins', async () => {
  const { id } = (await install()).state;
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async (_, index) =>
      index % 2 === 0
        ? doors.transition(id, 'Opening', steps.Opening, nobody)
        : doors.transition(id, 'Locking', steps.Locking, nobody),
    ),
  );
  expect(outcomes.filter((outcome) => !(outcome instanceof IllegalTransition))).toEqual([
    await doors.find(id),
  ]);
});

test('an idempotency key answers the first outcome, rounds later', async () => {
  const { id } = (await install()).state;
  const request = { ...nobody, idempotencyKey: 'the first opening' };
  const opened = await doors.transition(id, 'Opening', steps.Opening, request);
  for (const event of ['Closing', 'Opening', 'Closing'] as const) {
    await doors.transition(id, event, steps[event], nobody);
  }
  expect(await doors.transition(id, 'Opening', steps.Opening, request)).toEqual(opened);
  expect(await doors.transition(id, 'Locking', steps.Locking, request)).toEqual(
    new IdempotencyKeyReused('the first opening'),
  );
  expect(await doors.find(id)).toBeInstanceOf(Closed);
});

test('the census counts doors by their own states', async () => {
  const before = await reader.census();
  const { id } = (await install()).state;
  await doors.transition(id, 'Locking', steps.Locking, nobody);
  const { counts, position } = await reader.census();
  expect(counts['Locked']).toBe((before.counts['Locked'] ?? 0) + 1);
  expect(Number(position)).toBe(Number(before.position) + 2);
});

test('the feed tells of doors as they go round, and of one door alone', async () => {
  const feed = new Feed(reader, doors, {
    wakeUps: new WakeUps({ url: database.url, channels: [channel], listen: true }),
    channel,
    patience: 60_000,
    onFailure: (error) => {
      throw error;
    },
    onRewound: (error) => {
      throw error;
    },
  });
  try {
    const { id } = (await install()).state;
    const all = await feed.transitions(null, undefined);
    const one = await feed.changes(id);
    await install();
    const way = ['Opening', 'Closing', 'Locking', 'Unlocking'] as const;
    for (const event of way) await doors.transition(id, event, steps[event], nobody);
    const events: unknown[] = [];
    for (let told = 0; told < 1 + way.length; told += 1)
      events.push((await all.next()).value?.event);
    expect(events).toEqual(['Installation', ...way]);
    const states: unknown[] = [];
    for (let told = 0; told < 1 + way.length; told += 1) {
      states.push((await one?.next())?.value?.stateType);
    }
    expect(states).toEqual(['Closed', 'Open', 'Closed', 'Locked', 'Closed']);
  } finally {
    await feed.stop();
  }
});
