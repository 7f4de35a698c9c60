/** The store on a real PostgreSQL: what it records, who wins a race, and what it leaves alone. */
import { uuidv7 } from 'uuidv7';
import { type Moment, NotFound, classes } from 'persistent-machine/machine';
import {
  Alive,
  Dead,
  IllegalTransition,
  OccurredAtOutOfRange,
  type Phase,
  life,
} from '../../src/machine';
import { until } from '../faults/Scene';
import { watchAnswers } from '../faults/answers';
import { type Contents, type TestStore, conceive, contentsOf, createStore } from '../harness';

const nobody = { actor: null };

let store: TestStore;
/** Lives that no test touches, one in each phase, and what the tables hold of them. */
let bystanders: string[];
let before: Contents;

const contents = async (): Promise<Contents> => {
  const client = await store.connect();
  return contentsOf(client);
};

/** Of all rows, those of some lives only. */
const rowsOf = ({ lives, transitions }: Contents, ids: readonly string[]): object[] => [
  ...lives.filter((life) => ids.includes(String(Reflect.get(life, 'id')))),
  ...transitions.filter((row) => ids.includes(String(Reflect.get(row, 'life_id')))),
];

beforeEach(async () => {
  store = await createStore();
  bystanders = [uuidv7(), uuidv7(), uuidv7()];
  for (const id of bystanders) await conceive(store.lives, id);
  await store.lives.transition(bystanders[1] ?? '', 'Birth', {}, nobody);
  await store.lives.transition(bystanders[2] ?? '', 'Death', {}, nobody);
  before = await contents();
});

afterEach(async () => {
  expect(rowsOf(await contents(), bystanders)).toEqual(rowsOf(before, bystanders));
  await store.close();
});

test('a life is what it was recorded as, from its conception to its death', async () => {
  const id = uuidv7();
  const conceived = await conceive(store.lives, id);
  expect(await store.lives.find(id)).toEqual(conceived);

  const alive = await store.lives.transition(id, 'Birth', {}, { actor: 'midwife' });
  expect(alive).toBeInstanceOf(Alive);
  expect(await store.lives.find(id)).toEqual(alive);

  const dead = await store.lives.transition(id, 'Death', {}, nobody);
  expect(dead).toBeInstanceOf(Dead);
  expect(await store.lives.find(id)).toEqual(dead);

  const { nodes } = await store.reader.history(id, { from: 'start', size: 10 });
  expect(nodes.map(({ event, from, phase, actor }) => ({ event, from, phase, actor }))).toEqual([
    { event: 'Conception', from: null, phase: conceived, actor: null },
    { event: 'Birth', from: 'Gestating', phase: alive, actor: 'midwife' },
    { event: 'Death', from: 'Alive', phase: dead, actor: null },
  ]);
});

test('a refused transition changes nothing', async () => {
  const [, , dead = ''] = bystanders;
  expect(await store.lives.transition(dead, 'Birth', {}, nobody)).toBeInstanceOf(IllegalTransition);
  const tooEarly = new Date(0);
  const refused = await store.lives.transition(
    bystanders[0] ?? '',
    'Birth',
    {},
    {
      ...nobody,
      occurredAt: tooEarly,
    },
  );
  expect(refused).toBeInstanceOf(OccurredAtOutOfRange);
  expect(await contents()).toEqual(before);
});

test('a life that is not there is neither found nor moved', async () => {
  expect(await store.lives.find(uuidv7())).toBeNull();
  const id = uuidv7();
  expect(await store.lives.transition(id, 'Birth', {}, nobody)).toEqual(new NotFound('Life', id));
  expect(await contents()).toEqual(before);
});

test('conceiving an id again answers the conception, whatever happened since, and changes nothing', async () => {
  const id = uuidv7();
  const conceived = await conceive(store.lives, id);
  await store.lives.transition(id, 'Birth', {}, nobody);
  const after = await contents();
  expect(await conceive(store.lives, id)).toEqual(conceived);
  expect(await contents()).toEqual(after);
});

test('of many concurrent conceptions of one id, one is recorded, and all are answered it', async () => {
  const id = uuidv7();
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => conceive(store.lives, id)),
  );
  const life = await store.lives.find(id);
  expect(answers).toEqual(answers.map(() => life));
});

test('of 50 concurrent births of one life one wins, and each loser is told that it is alive', async () => {
  const id = uuidv7();
  await conceive(store.lives, id);
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, async () => store.lives.transition(id, 'Birth', {}, nobody)),
  );
  const [winner, ...others] = outcomes.filter((outcome) => outcome instanceof Alive);
  expect(others).toEqual([]);
  const losers = outcomes.filter((outcome) => outcome instanceof IllegalTransition);
  expect(losers).toHaveLength(49);
  for (const loser of losers) expect(loser.phase).toEqual(winner);

  const { nodes } = await store.reader.history(id, { from: 'start', size: 10 });
  expect(nodes.map(({ event }) => event)).toEqual(['Conception', 'Birth']);
});

test('a birth that a death holds up which is rolled back is a birth', async () => {
  const id = uuidv7();
  await conceive(store.lives, id);
  const rival = await store.connect();
  await rival.query('BEGIN');
  await rival.query('SELECT FROM lives WHERE id = $1 FOR UPDATE', [id]);

  const answers = watchAnswers();
  const outcome = store.lives.transition(id, 'Birth', {}, nobody);
  await until(() => answers.of('lives/swap').length >= 2);
  answers.stop();
  await rival.query('ROLLBACK');
  expect(await outcome).toBeInstanceOf(Alive);
});

test('a birth that a death holds up which is committed is told of the death', async () => {
  const id = uuidv7();
  await conceive(store.lives, id);
  const [rival, observer] = [await store.connect(), await store.connect()];
  const neighbour = await store.neighbour();
  // The ledger's row is the last that a commit locks: whoever holds it lets nobody finish.
  await rival.query('BEGIN');
  await rival.query('SELECT FROM ledger FOR UPDATE');
  const died = store.lives.transition(id, 'Death', {}, nobody);
  await untilSomebodyWaits(observer);
  const answers = watchAnswers();
  const born = neighbour.transition(id, 'Birth', {}, nobody);
  await until(() => answers.of('lives/swap').length >= 2);
  answers.stop();
  await rival.query('COMMIT');

  expect(await died).toBeInstanceOf(Dead);
  expect(await born).toMatchObject({ from: 'Dead', phase: await died });
});

describe('a programming error is thrown at once, and nothing is sent to be changed:', () => {
  /** What a birth makes of a gestating life, where it is not done as it should be. */
  type Fault = (gestating: FaultyGestating, at: Moment) => Phase | FaultyGestating;
  let fault: Fault;

  class FaultyGestating extends life.phase('Gestating') {
    birth(at: Moment): Alive | OccurredAtOutOfRange {
      // A class written without types could do all of this.
      return fault(this, at) as Alive;
    }

    die(at: Moment): Dead | OccurredAtOutOfRange {
      return this.become(Dead, 'Death', at);
    }
  }
  const faulty = classes(life, { Gestating: FaultyGestating, Alive, Dead });

  const alive =
    (state: Partial<Alive['state']>): Fault =>
    (gestating, at) =>
      new Alive({
        ...gestating.state,
        version: 2,
        stateType: 'Alive',
        updatedAt: at.now,
        bornAt: at.now,
        ...state,
      });

  const FAULTS: Readonly<Record<string, Fault>> = {
    'a verb of another event': (gestating, at) => gestating.die(at) as Dead,
    'a verb that returns what it was given': (gestating) => gestating,
    'a version that is not one more': alive({ version: 3 }),
    'another id': alive({ id: uuidv7() }),
    'another beginning': alive({ createdAt: new Date(0) }),
    'a state that its record does not say': alive({ stateType: 'Dead' as never }),
    'a moment before the last one': alive({ bornAt: new Date(0) }),
    'no moment at all': alive({ bornAt: new Date(NaN) }),
  };

  test.each(Object.entries(FAULTS))('%s', async (_what, birth) => {
    const id = uuidv7();
    await conceive(store.lives, id);
    fault = birth;
    const neighbour = await store.neighbourOf(faulty);
    const answers = watchAnswers();
    await expect(neighbour.transition(id, 'Birth', {}, nobody)).rejects.toThrow(TypeError);
    expect(answers.of('lives/swap')).toEqual([]);
    expect(answers.of('lives/find')).toHaveLength(1);
    answers.stop();
    expect(await store.lives.transition(id, 'Birth', {}, nobody)).toBeInstanceOf(Alive);
  });

  test.each([
    ['an event that there is not', 'Brith'],
    ['the event of a beginning', 'Conception'],
    ['the name of something else in JavaScript', 'constructor'],
  ])('%s', async (_what, event) => {
    const id = uuidv7();
    await conceive(store.lives, id);
    const answers = watchAnswers();
    await expect(store.lives.transition(id, event as 'Birth', {}, nobody)).rejects.toThrow(
      TypeError,
    );
    expect(answers.of('lives/find')).toEqual([]);
    expect(answers.of('lives/swap')).toEqual([]);
    answers.stop();
    expect(await store.lives.transition(id, 'Birth', {}, nobody)).toBeInstanceOf(Alive);
  });
});

test('the census counts what the feed has brought', async () => {
  const ids = Array.from({ length: 30 }, () => uuidv7());
  await Promise.all(ids.map(async (id) => conceive(store.lives, id)));
  await Promise.all(
    ids.slice(0, 20).map(async (id) => store.lives.transition(id, 'Birth', {}, nobody)),
  );
  await Promise.all(
    ids.slice(10).map(async (id) => store.lives.transition(id, 'Death', {}, nobody)),
  );
  const { counts, position } = await store.reader.census();
  expect(counts).toEqual({ Gestating: 1, Alive: 11, Dead: 21 });

  const { nodes } = await store.reader.feed(null, { from: 'start', size: 100 });
  expect(nodes.map((node) => Number(node.position))).toEqual(nodes.map((_, index) => index + 1));
  expect(position).toBe(String(nodes.length));
});

/** Waits, by asking the database, until a session of this database waits for a lock. */
async function untilSomebodyWaits(
  observer: Awaited<ReturnType<TestStore['connect']>>,
): Promise<void> {
  for (;;) {
    const { rows } = await observer.query<{ waiting: number }>(
      `SELECT count(*)::integer AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if ((rows[0]?.waiting ?? 0) > 0) return;
  }
}
