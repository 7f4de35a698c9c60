/**
 * Tests changes of one door that wait for each other's locks, on two instances: each caller learns what became of the
 * door, and no change is lost.
 */
import { until } from '../harness/until';
import { watchAnswers } from '../harness/answers';
import { type Instance, startInstance } from '../describeMachine/Instance';
import { IdempotencyKeyReused, IllegalTransition } from '../../src/machine';
import { Locked, Open, doors } from '../machine/door';
import { KeptMachines, anonymous, newId } from './KeptMachines';

let kept: KeptMachines<typeof doors>;
let neighbour: Instance<typeof doors>;
/** A door that no test touches. It has used the same keys as the others. */
let bystander: string;
let before: readonly object[];
/** A door that is closed. */
let id: string;

const rowsOf = async (door: string): Promise<object[]> => {
  const { records, history } = await kept.contents();
  return [...records, ...history].filter(
    (row) => Reflect.get(row, 'id') === door || Reflect.get(row, 'door_id') === door,
  );
};

beforeAll(async () => {
  kept = await KeptMachines.of(doors);
  neighbour = await startInstance(doors, kept.url, () => new Date());
  bystander = newId();
  await kept.store.begin(bystander, {}, anonymous);
  await kept.store.transition(bystander, 'Opening', {}, { ...anonymous, idempotencyKey: 'key' });
  before = await rowsOf(bystander);
  expect(before).toHaveLength(3);
});

beforeEach(async () => {
  id = newId();
  await kept.store.begin(id, {}, anonymous);
});

afterEach(async () => {
  expect(await rowsOf(bystander)).toEqual(before);
});

afterAll(async () => {
  await neighbour.stop();
  await kept.close();
});

/** Has a rival hold a lock while `meanwhile` runs, in a transaction that changes nothing. */
async function hold(lock: string, meanwhile: () => Promise<void>): Promise<void> {
  await kept.session.query('BEGIN');
  try {
    await kept.session.query(lock);
    await meanwhile();
  } finally {
    await kept.session.query('COMMIT');
  }
}

/** The ledger's row is the last that a commit locks: no change finishes while a rival holds it. */
const ALL_COMMITS = 'SELECT FROM door_ledger FOR UPDATE';

/** Waits until a session waits for the rival's lock. */
async function untilOneWaits(): Promise<void> {
  await until(async () => {
    const { rows } = await kept.session.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
}

/** Calls `act`, and waits until so many statements that move doors have been answered. */
async function untilSwapped(times: number, act: () => void): Promise<void> {
  const answers = watchAnswers();
  act();
  await until(() => answers.of('doors/swap').length >= times);
  answers.stop();
}

test('an opening succeeds after it has waited for a rival that changes nothing', async () => {
  let opening: Promise<unknown> | undefined;
  await hold(`SELECT FROM doors WHERE id = '${id}' FOR UPDATE`, async () =>
    untilSwapped(2, () => {
      opening = kept.store.transition(id, 'Opening', {}, anonymous);
    }),
  );
  expect(await opening).toBeInstanceOf(Open);
});

test('an opening that has waited for a locking is refused with the locked door', async () => {
  let opening: Promise<unknown> | undefined;
  let locking: Promise<unknown> | undefined;
  await hold(ALL_COMMITS, async () => {
    locking = kept.store.transition(id, 'Locking', {}, anonymous);
    await untilOneWaits();
    await untilSwapped(2, () => {
      opening = neighbour.store.transition(id, 'Opening', {}, anonymous);
    });
  });
  expect(await locking).toBeInstanceOf(Locked);
  expect(await opening).toMatchObject({ from: 'Locked', phase: await locking });
});

test.each([2, 20])(
  '%i concurrent retries get one outcome, which is recorded once',
  async (number) => {
    let racing: Promise<unknown[]> | undefined;
    await hold(ALL_COMMITS, async () => {
      // The statement of the second instance skips the door, since the first one has locked it.
      await untilSwapped(1, () => {
        racing = Promise.all(
          Array.from({ length: number }, async (_, index) =>
            (index % 2 === 0 ? kept : neighbour).store.transition(
              id,
              'Opening',
              {},
              { ...anonymous, idempotencyKey: 'key' },
            ),
          ),
        );
      });
      await untilOneWaits();
    });
    const outcomes = (await racing) ?? [];
    expect(outcomes[0]).toBeInstanceOf(Open);
    expect(outcomes).toEqual(outcomes.map(() => outcomes[0]));
    const { nodes } = await kept.reader.history(id, { from: 'start', size: 10 });
    expect(nodes.map(({ event }) => event)).toEqual(['Installation', 'Opening']);
  },
);

test('one of many requests with different keys wins, and the other keys stay free', async () => {
  const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
  const outcomes = await Promise.all(
    keys.map(async (idempotencyKey, index) =>
      (index % 2 === 0 ? kept : neighbour).store.transition(
        id,
        'Opening',
        {},
        { ...anonymous, idempotencyKey },
      ),
    ),
  );
  const winners = keys.filter((_, index) => outcomes[index] instanceof Open);
  expect(winners).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome instanceof IllegalTransition)).toHaveLength(19);
  for (const idempotencyKey of keys) {
    const closing = await kept.store.transition(
      id,
      'Closing',
      {},
      { ...anonymous, idempotencyKey },
    );
    if (winners.includes(idempotencyKey)) {
      expect(closing).toEqual(new IdempotencyKeyReused(idempotencyKey));
    } else {
      expect(closing).toMatchObject({ stateType: 'Closed' });
      await kept.store.transition(id, 'Opening', {}, anonymous);
    }
  }
});
