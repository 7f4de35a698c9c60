/** Doors, which go round and round, and whose events carry nothing. */
import { Feed } from '../../src/feed/Feed';
import { WakeUps } from '../../src/feed/WakeUps';
import { IdempotencyKeyReused, IllegalTransition } from '../../src/machine';
import { Closed, type DoorPhase, Locked, Open, doors } from '../machine/door';
import { KeptMachines, newId, nobody } from './KeptMachines';

let kept: KeptMachines<typeof doors>;
let bystander: DoorPhase;

async function install(): Promise<string> {
  const id = newId();
  await kept.store.begin(id, {}, nobody);
  return id;
}

beforeAll(async () => {
  kept = await KeptMachines.of(doors);
});

afterAll(async () => {
  await kept.close();
});

beforeEach(async () => {
  bystander = await kept.store.begin(newId(), {}, nobody);
});

afterEach(async () => {
  expect(await kept.store.find(bystander.state.id)).toEqual(bystander);
});

test('a door goes round, and its history is the way that it went', async () => {
  const id = await install();
  const way = [
    'Opening',
    'Closing',
    'Locking',
    'Unlocking',
    'Opening',
    'Slamming',
    'Opening',
  ] as const;
  for (const event of way) {
    expect(await kept.store.transition(id, event, {}, nobody)).not.toBeInstanceOf(
      IllegalTransition,
    );
  }
  expect(await kept.store.find(id)).toBeInstanceOf(Open);

  const { nodes } = await kept.reader.history(id, { from: 'start', size: 10 });
  expect(nodes.map(({ event }) => event)).toEqual(['Installation', ...way]);
  for (const { event, from, phase, data } of nodes) {
    expect(doors.edges).toContainEqual({ event, from, to: phase.stateType });
    expect(data).toBeNull();
  }
});

test('a locked door is not opened', async () => {
  const id = await install();
  const locked = await kept.store.transition(id, 'Locking', {}, nobody);
  expect(locked).toBeInstanceOf(Locked);
  expect(await kept.store.transition(id, 'Opening', {}, nobody)).toMatchObject({
    from: 'Locked',
    nextEvents: ['Unlocking'],
    phase: locked,
  });
  expect(await kept.store.find(id)).toEqual(locked);
});

test('of 30 who open and 30 who lock one door at once, one wins', async () => {
  const id = await install();
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async (_, index) =>
      kept.store.transition(id, index % 2 === 0 ? 'Opening' : 'Locking', {}, nobody),
    ),
  );
  expect(outcomes.filter((outcome) => !(outcome instanceof IllegalTransition))).toEqual([
    await kept.store.find(id),
  ]);
});

test('an idempotency key answers the first outcome, rounds later', async () => {
  const id = await install();
  const request = { ...nobody, idempotencyKey: 'the first opening' };
  const opened = await kept.store.transition(id, 'Opening', {}, request);
  for (const event of ['Closing', 'Opening', 'Closing'] as const) {
    await kept.store.transition(id, event, {}, nobody);
  }
  expect(await kept.store.transition(id, 'Opening', {}, request)).toEqual(opened);
  expect(await kept.store.transition(id, 'Locking', {}, request)).toEqual(
    new IdempotencyKeyReused('the first opening'),
  );
  expect(await kept.store.find(id)).toBeInstanceOf(Closed);
});

test('the census counts doors by their own states', async () => {
  const before = await kept.reader.census();
  const id = await install();
  await kept.store.transition(id, 'Locking', {}, nobody);
  const { counts, position } = await kept.reader.census();
  expect(counts['Locked']).toBe((before.counts['Locked'] ?? 0) + 1);
  expect(Number(position)).toBe(Number(before.position) + 2);
});

test('the feed tells of doors as they go round, and of one door alone', async () => {
  const feed = new Feed(kept.reader, kept.store, {
    wakeUps: new WakeUps({ url: kept.url, channels: [kept.tables.channel], listen: true }),
    channel: kept.tables.channel,
    patience: 60_000,
    onFailure: (error) => {
      throw error;
    },
    onRewound: (error) => {
      throw error;
    },
  });
  try {
    const id = await install();
    const all = await feed.transitions(null, undefined);
    const one = await feed.changes(id);
    await install();
    const way = ['Opening', 'Closing', 'Locking', 'Unlocking'] as const;
    for (const event of way) await kept.store.transition(id, event, {}, nobody);
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

test('no statement of a machine whose events carry nothing has a clause for data', async () => {
  const id = await install();
  await kept.statementsOf(async () => {
    await install();
    await kept.store.transition(id, 'Opening', {}, { ...nobody, idempotencyKey: 'key' });
    await kept.reader.history(id, { from: 'start', size: 1 });
    await kept.reader.feed(null, { from: 'start', size: 1 });
    await kept.reader.past(id, { version: 1 });
  });
  expect(kept.database.sent.length).toBeGreaterThan(5);
  for (const { text } of kept.database.sent) expect(text).not.toMatch(/\bdata\b/);
});
