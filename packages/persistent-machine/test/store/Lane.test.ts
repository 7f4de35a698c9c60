/**
 * Tests the lane alone, with a fake database and a fake clock: which entries it sends when and together, and the
 * outcome of each entry, in any order of events.
 */
import fc from 'fast-check';
import {
  ConnectionLost,
  DatabaseUnavailable,
  LockNotAvailable,
  OutcomeUnknown,
  Overloaded,
  RefusedData,
  Unreachable,
} from '../../src/database/failures';
import { HELD_UP } from '../../src/store/HeldUp';
import { Lane } from '../../src/store/Lane';
import type { LaneSettings } from '../../src/store/LaneSettings';

interface Entry {
  readonly key: string;
  readonly name: string;
}

/** A statement that was sent, to be answered by the test. */
interface Sent {
  /** When, by the fake clock. */
  readonly at: number;
  readonly names: readonly string[];
  readonly answer: (results?: readonly (string | typeof HELD_UP)[]) => void;
  readonly fail: (error: Error) => void;
}

const cause = { cause: new Error('the cause') };
const failures = {
  overloaded: new Overloaded('busy'),
  unreachable: new Unreachable('gone'),
  unavailable: new DatabaseUnavailable('read-only'),
  lost: new ConnectionLost('lost'),
  refused: new RefusedData('a constraint', cause),
  locked: new LockNotAvailable('locked'),
  unexpected: new Error('a bug'),
};

/** A deadline later than the end of any test, in milliseconds. */
const LATER = 60_000;

/** How much time passes at once in a test that watches it pass, in milliseconds. */
const STEP = 10;

let sent: Sent[];
let keysRead: number;

beforeEach(() => {
  // The fake clock leaves the turns of the event loop alone.
  jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate'] });
  sent = [];
  keysRead = 0;
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** A lane whose statements wait for the test. By default, the result of each entry is its name. */
function laneWith(settings: Partial<LaneSettings<Entry, string>> = {}): Lane<Entry, string> {
  return new Lane<Entry, string>({
    execute: async (group) =>
      new Promise((resolve, reject) => {
        const names = group.map(({ name }) => name);
        sent.push({
          at: performance.now(),
          names,
          answer: (results = names) => {
            resolve(results);
          },
          fail: reject,
        });
      }),
    keyOf: ({ key }) => {
      keysRead += 1;
      return key;
    },
    follow: (first) => `after ${first}`,
    groupSize: 3,
    queueSize: 100,
    inFlight: 1,
    ...settings,
  });
}

/** Submits an entry with a key of its own, unless one is given. */
function submit(
  lane: Lane<Entry, string>,
  name: string,
  { key = name, deadline = LATER }: { key?: string; deadline?: number } = {},
): Promise<string> {
  const outcome = lane.submit({ key, name }, deadline);
  // The test awaits the outcome, which may be rejected before that.
  outcome.catch(() => undefined);
  return outcome;
}

/** Runs everything that needs no time to pass, with all its consequences. */
async function turn(): Promise<void> {
  for (let step = 0; step < 4; step += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

async function pass(milliseconds: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(milliseconds);
  await turn();
}

/** The names of the entries of each statement so far. */
const groups = (): (readonly string[])[] => sent.map(({ names }) => names);

function last(): Sent {
  const statement = sent.at(-1);
  if (statement === undefined) throw new Error('Nothing was sent.');
  return statement;
}

/** Whether an outcome is still open. */
async function isPending(outcome: Promise<string>): Promise<boolean> {
  const pending = Symbol('pending');
  const winner = await Promise.race([outcome.catch(String), turn().then(() => pending)]);
  return winner === pending;
}

describe('groups', () => {
  test('an entry that finds the lane idle goes at once', async () => {
    const outcome = submit(laneWith(), 'a');
    await turn();
    expect(groups()).toEqual([['a']]);
    last().answer();
    expect(await outcome).toBe('a');
    expect(performance.now()).toBe(0);
  });

  test('entries that arrive in one turn go together, in order, and each gets its own result', async () => {
    const lane = laneWith();
    const outcomes = ['a', 'b', 'c'].map((name) => submit(lane, name));
    await turn();
    expect(groups()).toEqual([['a', 'b', 'c']]);
    last().answer(['first', 'second', 'third']);
    expect(await Promise.all(outcomes)).toEqual(['first', 'second', 'third']);
  });

  test('entries that arrive while the lane is busy form the next groups, each as large as allowed', async () => {
    const lane = laneWith();
    const outcomes = [submit(lane, 'a')];
    await turn();
    for (const name of ['b', 'c', 'd', 'e']) {
      outcomes.push(submit(lane, name));
      await turn();
    }
    expect(groups()).toEqual([['a']]);
    for (const expected of [['b', 'c', 'd'], ['e']]) {
      last().answer();
      await turn();
      expect(last().names).toEqual(expected);
    }
    last().answer();
    expect(await Promise.all(outcomes)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(sent).toHaveLength(3);
  });

  test('the lane sends the waiting entries before it settles the answered ones', async () => {
    const lane = laneWith();
    const sentByThen = submit(lane, 'a').then(groups);
    await turn();
    const other = submit(lane, 'b');
    await turn();
    last().answer();
    expect(await sentByThen).toEqual([['a'], ['b']]);
    last().answer();
    expect(await other).toBe('b');
  });

  test('no more statements are in flight than allowed, and each that ends makes room', async () => {
    const lane = laneWith({ inFlight: 2, groupSize: 1 });
    const outcomes = ['a', 'b', 'c', 'd'].map((name) => submit(lane, name));
    await turn();
    expect(groups()).toEqual([['a'], ['b']]);
    sent[1]?.answer();
    await turn();
    expect(groups()).toEqual([['a'], ['b'], ['c']]);
    sent[2]?.fail(failures.unexpected);
    await turn();
    expect(groups()).toEqual([['a'], ['b'], ['c'], ['d']]);
    sent[3]?.answer();
    sent[0]?.answer();
    expect((await Promise.allSettled(outcomes)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });

  test('a full queue refuses entries at once, and accepts entries again when it has room', async () => {
    const lane = laneWith({ queueSize: 2 });
    const outcomes = [submit(lane, 'a')];
    await turn();
    outcomes.push(submit(lane, 'b'), submit(lane, 'c'));
    expect(lane.length).toBe(2);
    await expect(submit(lane, 'd')).rejects.toThrow(Overloaded);

    last().answer();
    await turn();
    expect(lane.length).toBe(0);
    outcomes.push(submit(lane, 'e'));
    last().answer();
    await turn();
    last().answer();
    expect(await Promise.all(outcomes)).toEqual(['a', 'b', 'c', 'e']);
    expect(groups()).toEqual([['a'], ['b', 'c'], ['e']]);
  });
});

describe('entries with the same key', () => {
  test('only the first of a group is sent, and the others are answered from its result', async () => {
    const lane = laneWith();
    const outcomes = [
      submit(lane, 'a1', { key: 'a' }),
      submit(lane, 'b1', { key: 'b' }),
      submit(lane, 'a2', { key: 'a' }),
      submit(lane, 'a3', { key: 'a' }),
    ];
    await turn();
    expect(groups()).toEqual([['a1', 'b1']]);
    last().answer();
    expect(await Promise.all(outcomes)).toEqual(['a1', 'b1', 'after a1', 'after a1']);
  });

  test('an entry that arrives when the first is in flight does not join it', async () => {
    const lane = laneWith({ inFlight: 2 });
    const outcomes = [submit(lane, 'a1', { key: 'a' })];
    await turn();
    outcomes.push(submit(lane, 'a2', { key: 'a' }));
    await turn();
    expect(groups()).toEqual([['a1'], ['a2']]);
    for (const { answer } of sent) answer();
    expect(await Promise.all(outcomes)).toEqual(['a1', 'a2']);
  });

  test('when the first is refused, the lane sends the others themselves', async () => {
    const lane = laneWith();
    const culprit = submit(lane, 'a1', { key: 'a' });
    const others = [submit(lane, 'a2', { key: 'a' }), submit(lane, 'a3', { key: 'a' })];
    await turn();
    last().fail(failures.refused);
    await turn();
    await expect(culprit).rejects.toBe(failures.refused);
    expect(groups()).toEqual([['a1'], ['a2']]);
    last().answer();
    expect(await Promise.all(others)).toEqual(['a2', 'after a2']);
  });

  test.each(['overloaded', 'unreachable', 'lost'] as const)(
    'when the first is %s, all entries go again, in order',
    async (failure) => {
      const lane = laneWith({ settle: async (_entry, result) => result });
      const outcomes = ['a1', 'a2'].map((name) => submit(lane, name, { key: 'a' }));
      await turn();
      last().fail(failures[failure]);
      await pass(1_000);
      expect(groups()).toEqual([['a1'], ['a1']]);
      last().answer();
      expect(await Promise.all(outcomes)).toEqual(['a1', 'after a1']);
    },
  );
});

describe('entries of several forms', () => {
  /** A lane in which the first letter of an entry's name is its form. */
  const ofForms = (settings: Partial<LaneSettings<Entry, string>> = {}): Lane<Entry, string> =>
    laneWith({ formOf: ({ name }) => name.charAt(0), ...settings });

  test('go in separate groups, and entries of one form go together from anywhere in the queue', async () => {
    const lane = ofForms();
    const names = ['a1', 'b1', 'a2', 'b2', 'a3', 'a4'];
    const outcomes = names.map((name) => submit(lane, name));
    for (const expected of [['a1', 'a2', 'a3'], ['b1', 'b2'], ['a4']]) {
      await turn();
      expect(last().names).toEqual(expected);
      last().answer();
    }
    expect(await Promise.all(outcomes)).toEqual(names);
  });

  test('go once where their keys are equal, and each ends at its own deadline', async () => {
    const lane = ofForms({ groupSize: 1, formOf: ({ key }) => key });
    const first = submit(lane, 'a', { key: 'a' });
    await turn();
    const others = ['b1', 'c', 'b2', 'b3'].map((name) =>
      submit(lane, name, { key: name.charAt(0), deadline: name === 'b2' ? STEP : LATER }),
    );
    const tooLate = expect(others[2]).rejects.toThrow(Overloaded);
    await pass(2 * STEP);
    await tooLate;
    last().answer();
    await turn();
    expect(last().names).toEqual(['b1']);
    last().answer();
    await turn();
    expect(last().names).toEqual(['c']);
    last().answer();
    expect(await first).toBe('a');
    expect(await others[0]).toBe('b1');
    expect(await others[3]).toBe('after b1');
    expect(sent).toHaveLength(3);
  });
});

describe('deadlines', () => {
  test('an entry whose deadline has passed in the queue is never sent', async () => {
    const lane = laneWith();
    const first = submit(lane, 'a');
    await turn();
    const late = submit(lane, 'b', { deadline: 1_000 });
    const other = submit(lane, 'c');
    await pass(1_000);
    last().answer();
    await turn();
    await expect(late).rejects.toThrow(Overloaded);
    last().answer();
    expect(await Promise.all([first, other])).toEqual(['a', 'c']);
    expect(groups()).toEqual([['a'], ['c']]);
  });

  test('an entry fails at its deadline, however long the statement before it takes', async () => {
    const lane = laneWith();
    const first = submit(lane, 'a');
    await turn();
    const late = submit(lane, 'b', { deadline: 1_000 });
    const later = submit(lane, 'c', { deadline: 2_000 });
    await pass(999);
    expect(await isPending(late)).toBe(true);
    await pass(1);
    expect(await isPending(late)).toBe(false);
    await expect(late).rejects.toThrow(Overloaded);
    expect(await isPending(later)).toBe(true);
    await pass(1_000);
    await expect(later).rejects.toThrow(Overloaded);
    expect(lane.length).toBe(0);
    last().answer();
    expect(await first).toBe('a');
    await turn();
    expect(groups()).toEqual([['a']]);
  });

  test.each([
    ['overloaded', Overloaded],
    ['unreachable', Unreachable],
    ['lost', Unreachable],
  ] as const)(
    'an entry that is %s is sent again with growing delays, and fails with the cause at its deadline',
    async (failure, type) => {
      const lane = laneWith();
      const outcome = submit(lane, 'a', { deadline: 10_000 });
      const sentAt: number[] = [];
      while (await isPending(outcome)) {
        if (sent.length > sentAt.length) {
          sentAt.push(last().at);
          last().fail(failures[failure]);
        }
        await pass(STEP);
      }
      await expect(outcome).rejects.toThrow(type);
      expect(performance.now()).toBeLessThanOrEqual(10_000 + 2 * STEP);
      expect(sentAt.at(-1)).toBeLessThan(10_000);
      // With jitter below half a second it is forty on average; without growing delays it would be a thousand.
      expect(sentAt.length).toBeGreaterThan(15);
      expect(sentAt.length).toBeLessThan(150);
    },
  );

  test('an entry that only waited while the database was unreachable fails with Unreachable', async () => {
    const lane = laneWith({ groupSize: 1 });
    const outcomes = ['a', 'b'].map((name) => submit(lane, name, { deadline: 1_000 }));
    while (await isPending(Promise.any(outcomes))) {
      if (sent.length > 0) sent.pop()?.fail(failures.unreachable);
      await pass(STEP);
    }
    for (const outcome of outcomes) await expect(outcome).rejects.toThrow(Unreachable);
  });

  test('an entry does not fail with the cause of a failure that is over', async () => {
    const lane = laneWith();
    const first = submit(lane, 'a');
    await turn();
    last().fail(failures.unreachable);
    await pass(1_000);
    last().answer();
    await first;
    const second = submit(lane, 'b');
    await turn();
    const late = submit(lane, 'c', { deadline: 2_000 });
    await pass(1_000);
    last().answer();
    await second;
    await expect(late).rejects.toThrow(Overloaded);
    await expect(late).rejects.not.toThrow(Unreachable);
  });
});

describe('entries of a group with refused data', () => {
  test('are sent one by one, so that the culprit fails no other entry', async () => {
    const lane = laneWith();
    const outcomes = ['a', 'culprit', 'c'].map((name) => submit(lane, name));
    await turn();
    last().fail(failures.refused);
    for (const name of ['a', 'culprit', 'c']) {
      await turn();
      expect(last().names).toEqual([name]);
      if (name === 'culprit') last().fail(failures.refused);
      else last().answer();
    }
    expect(await Promise.allSettled(outcomes)).toEqual([
      { status: 'fulfilled', value: 'a' },
      { status: 'rejected', reason: failures.refused },
      { status: 'fulfilled', value: 'c' },
    ]);
    expect(sent).toHaveLength(4);
  });

  test('keep to the deadlines when they are sent one by one', async () => {
    const lane = laneWith();
    const slow = submit(lane, 'slow');
    const late = ['late', 'later'].map((name) => submit(lane, name, { deadline: 1_000 }));
    await turn();
    last().fail(failures.refused);
    await turn();
    expect(last().names).toEqual(['slow']);
    await pass(1_000);
    last().answer();
    await turn();
    expect(await slow).toBe('slow');
    for (const outcome of late) await expect(outcome).rejects.toThrow(Overloaded);
    expect(groups()).toEqual([['slow', 'late', 'later'], ['slow']]);
  });

  test('do not wait for one another when they are sent one by one', async () => {
    const lane = laneWith({ inFlight: 2 });
    const outcomes = ['a', 'b', 'c'].map((name) => submit(lane, name));
    await turn();
    last().fail(failures.refused);
    await turn();
    // `a` is slow. The others need not wait for it, since the lane may have a second statement in flight.
    const [, slow] = sent;
    await turn();
    for (const statement of sent.slice(2)) statement.answer();
    await turn();
    for (const statement of sent.slice(3)) statement.answer();
    expect(await Promise.all(outcomes.slice(1))).toEqual(['b', 'c']);
    slow?.answer();
    expect(await outcomes[0]).toBe('a');
  });
});

describe('an entry that the lock of another transaction holds up', () => {
  test('goes again after a pause, in which other entries go', async () => {
    const lane = laneWith();
    const [held, other] = [submit(lane, 'a'), submit(lane, 'b')];
    await turn();
    last().answer([HELD_UP, 'b']);
    expect(await other).toBe('b');
    const later = submit(lane, 'c');
    await turn();
    expect(groups()).toEqual([['a', 'b'], ['c']]);
    last().answer();
    expect(await later).toBe('c');
    await pass(1_000);
    expect(groups()).toEqual([['a', 'b'], ['c'], ['a']]);
    last().answer();
    expect(await held).toBe('a');
  });

  test('goes again with growing pauses until its deadline', async () => {
    const lane = laneWith();
    const held = submit(lane, 'a', { deadline: 10_000 });
    while (await isPending(held)) {
      for (const { answer } of sent) answer([HELD_UP]);
      await pass(STEP);
    }
    await expect(held).rejects.toThrow(Overloaded);
    expect(performance.now()).toBeLessThanOrEqual(10_000 + 2 * STEP);
    // With jitter below a quarter of a second it is some eighty; without growing pauses it would be thousands.
    expect(sent.length).toBeGreaterThan(30);
    expect(sent.length).toBeLessThan(300);
    expect(lane.length).toBe(0);
  });

  test('is joined by entries with the same key, and each ends at its own deadline', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.9);
    const lane = laneWith();
    const held = submit(lane, 'a1', { key: 'a' });
    for (let tries = 0; tries < 8; tries += 1) {
      await pass(250);
      last().answer([HELD_UP]);
    }
    await turn();
    const tries = sent.length;
    const late = submit(lane, 'a2', { key: 'a', deadline: performance.now() + 20 });
    const other = submit(lane, 'a3', { key: 'a' });
    await turn();
    expect(sent).toHaveLength(tries);
    expect(lane.length).toBe(3);
    await pass(30);
    await expect(late).rejects.toThrow(Overloaded);
    await pass(1_000);
    last().answer();
    expect(await Promise.all([held, other])).toEqual(['a1', 'after a1']);
  });

  test('takes no place in the queue, and has a limit of its own', async () => {
    const lane = laneWith({ queueSize: 2 });
    const held = [submit(lane, 'a'), submit(lane, 'b')];
    await turn();
    last().answer([HELD_UP, HELD_UP]);
    await turn();
    expect(lane.isFull).toBe(false);
    const [next, tooMany] = [submit(lane, 'c'), submit(lane, 'd')];
    await turn();
    last().answer(['c', HELD_UP]);
    expect(await next).toBe('c');
    await expect(tooMany).rejects.toThrow(Overloaded);
    await pass(1_000);
    for (const { answer } of sent) answer();
    await pass(1_000);
    for (const { answer } of sent) answer();
    expect(await Promise.all(held)).toEqual(['a', 'b']);
  });

  test('never fails as not applied if it may have been applied', async () => {
    const lane = laneWith({ settle: async (_entry, result) => `settled ${result}` });
    const [unknown, found] = [submit(lane, 'a', { deadline: 2_000 }), submit(lane, 'b')];
    await turn();
    last().fail(failures.lost);
    await pass(500);
    last().answer([HELD_UP, HELD_UP]);
    await pass(500);
    for (const { answer, names } of sent)
      answer(names.map((name) => (name === 'a' ? HELD_UP : name)));
    while (await isPending(unknown)) {
      for (const { answer, names } of sent) {
        answer(names.map((name) => (name === 'a' ? HELD_UP : name)));
      }
      await pass(STEP);
    }
    await expect(unknown).rejects.toThrow(OutcomeUnknown);
    expect(await found).toBe('settled b');
  });

  test('has its group sent one by one, beside the next groups, if it fails the whole group', async () => {
    const lane = laneWith({ isHeldUp: (error) => error === failures.locked });
    const outcomes = ['a', 'culprit', 'c'].map((name) => submit(lane, name));
    await turn();
    last().fail(failures.locked);
    await turn();
    expect(last().names).toEqual(['a']);
    const next = submit(lane, 'd');
    await turn();
    expect(last().names).toEqual(['d']);
    last().answer();
    expect(await next).toBe('d');
    sent[1]?.answer();
    await turn();
    expect(last().names).toEqual(['culprit']);

    // An entry with its key also goes alone, since it would hold up a group.
    const rival = submit(lane, 'rival', { key: 'culprit' });
    const other = submit(lane, 'e');
    await turn();
    expect(last().names).toEqual(['e']);
    last().answer();
    expect(await other).toBe('e');
    sent[3]?.fail(failures.locked);
    await turn();
    expect(last().names).toEqual(['c']);
    last().answer();
    await pass(1_000);
    expect(last().names).toEqual(['culprit']);
    last().answer();
    expect(await Promise.all([...outcomes, rival])).toEqual(['a', 'culprit', 'c', 'after culprit']);
  });
});

describe('errors that a retry does not help', () => {
  test.each(['unavailable', 'unexpected'] as const)(
    '%s: the whole group fails at once, and the next group goes',
    async (failure) => {
      const lane = laneWith();
      const outcomes = ['a', 'b'].map((name) => submit(lane, name));
      outcomes.push(submit(lane, 'b2', { key: 'b' }));
      await turn();
      const next = submit(lane, 'c');
      last().fail(failures[failure]);
      await turn();
      for (const outcome of outcomes) await expect(outcome).rejects.toBe(failures[failure]);
      expect(performance.now()).toBe(0);
      last().answer();
      expect(await next).toBe('c');
      expect(groups()).toEqual([['a', 'b'], ['c']]);
    },
  );

  test('a statement that throws before it is sent counts as a failed one', async () => {
    const lane = laneWith({
      execute: () => {
        throw failures.unavailable;
      },
    });
    for (const outcome of [submit(lane, 'a'), submit(lane, 'b')]) {
      await turn();
      await expect(outcome).rejects.toBe(failures.unavailable);
    }
  });
});

describe('a lost answer', () => {
  let settled: { name: string; result: string }[];
  let settle: jest.Mock<Promise<string>, [entry: Entry, result: string]>;

  beforeEach(() => {
    settled = [];
    settle = jest.fn(async ({ name }, result) => {
      settled.push({ name, result });
      return `settled ${result}`;
    });
  });

  test('is asked for again, and the lane settles the second answer', async () => {
    const lane = laneWith({ settle });
    const outcomes = ['a', 'b'].map((name) => submit(lane, name));
    await turn();
    last().fail(failures.lost);
    await pass(1_000);
    expect(groups()).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    last().answer(['yes', 'no']);
    expect(await Promise.all(outcomes)).toEqual(['settled yes', 'settled no']);
    expect(settled).toEqual([
      { name: 'a', result: 'yes' },
      { name: 'b', result: 'no' },
    ]);
  });

  test('is not settled for an entry that was not sent itself, or whose answer was not lost', async () => {
    const lane = laneWith({ settle });
    const lost = submit(lane, 'a1', { key: 'a' });
    const follower = submit(lane, 'a2', { key: 'a' });
    await turn();
    const other = submit(lane, 'b');
    last().fail(failures.lost);
    await pass(1_000);
    for (const statement of sent.slice(1)) statement.answer();
    await turn();
    for (const statement of sent.slice(2)) statement.answer();
    expect(await Promise.all([lost, follower, other])).toEqual(['settled a1', 'after a1', 'b']);
    expect(settled).toEqual([{ name: 'a1', result: 'a1' }]);
  });

  test('of an entry is never replaced by the answer to another entry', async () => {
    const lane = laneWith({ settle, inFlight: 2 });
    const outcomes = [submit(lane, 'a1', { key: 'a' })];
    await turn();
    outcomes.push(submit(lane, 'a2', { key: 'a' }));
    await turn();
    expect(groups()).toEqual([['a1'], ['a2']]);
    for (const { fail } of sent) fail(failures.lost);
    await pass(2_000);
    for (const statement of sent.slice(2)) statement.answer();
    await pass(2_000);
    for (const statement of sent.slice(3)) statement.answer();
    expect(await Promise.all(outcomes)).toEqual(['settled a1', 'settled a2']);
    // Each was sent by itself before, so neither may be answered from the result of the other.
    expect(groups()).toHaveLength(4);
  });

  test.each(['overloaded', 'unreachable', 'unavailable', 'unexpected', 'refused', 'lost'] as const)(
    'that no retry recovers (%s) is an unknown outcome at the deadline, and not before',
    async (failure) => {
      const lane = laneWith({ settle });
      const outcome = submit(lane, 'a', { deadline: 5_000 });
      await turn();
      last().fail(failures.lost);
      while (await isPending(outcome)) {
        if (sent.length > 1) sent.pop()?.fail(failures[failure]);
        await pass(STEP);
      }
      await expect(outcome).rejects.toThrow(OutcomeUnknown);
      expect(performance.now()).toBeGreaterThanOrEqual(5_000);
      expect(performance.now()).toBeLessThanOrEqual(5_000 + 2 * STEP);
      expect(settled).toEqual([]);
    },
  );

  test.each(['unreachable', 'unexpected'] as const)(
    'is asked for once more if its settlement fails (%s)',
    async (failure) => {
      settle.mockRejectedValueOnce(failures[failure]);
      const lane = laneWith({ settle });
      const outcome = submit(lane, 'a');
      await turn();
      last().fail(failures.lost);
      await pass(1_000);
      last().answer(['first']);
      await pass(1_000);
      last().answer(['second']);
      expect(await outcome).toBe('settled second');
    },
  );

  test('whose settlement fails for good is an unknown outcome at the deadline, and fails no other entry', async () => {
    settle.mockImplementation(({ name }, result) => {
      if (name === 'a') throw failures.unexpected;
      return Promise.resolve(result);
    });
    const lane = laneWith({ settle });
    const outcome = submit(lane, 'a', { deadline: 5_000 });
    const other = submit(lane, 'b');
    await turn();
    last().fail(failures.lost);
    while (await isPending(outcome)) {
      sent.pop()?.answer();
      await pass(STEP);
    }
    expect(await other).toBe('b');
    await expect(outcome).rejects.toThrow(OutcomeUnknown);
  });
});

describe('a crowd', () => {
  const CROWD = 10_000;
  const named = (prefix: string, size = CROWD): string[] =>
    Array.from({ length: size }, (_, index) => `${prefix}${index}`);

  test('of entries with one key is one entry of one statement, and the lane reads each key once', async () => {
    const follow = jest.fn(() => 'lost');
    const lane = laneWith({ queueSize: CROWD, follow });
    const outcomes = named('a').map((name) => submit(lane, name, { key: 'a' }));
    await turn();
    expect(groups()).toEqual([['a0']]);
    last().answer();
    const [winner, ...losers] = await Promise.all(outcomes);
    expect(winner).toBe('a0');
    expect(new Set(losers)).toEqual(new Set(['lost']));
    expect(follow).toHaveBeenCalledTimes(CROWD - 1);
    expect(keysRead).toBeLessThanOrEqual(CROWD);
  });

  test('of entries with different keys goes in full groups, and the lane reads each key once, and one more for each full group', async () => {
    const lane = laneWith({ queueSize: CROWD, groupSize: 256 });
    const outcomes = named('a').map((name) => submit(lane, name));
    await turn();
    // The list grows meanwhile: after each answer the lane sends the next group.
    for (const { answer } of sent) {
      answer();
      await turn();
    }
    expect(await Promise.all(outcomes)).toEqual(named('a'));
    expect(sent).toHaveLength(Math.ceil(CROWD / 256));
    expect(keysRead).toBeLessThanOrEqual(CROWD + sent.length);
  });

  test('of entries with one key survives a failure, even if it is as large as a queue may be', async () => {
    // More than a stack can hold as the arguments of one call.
    const size = 200_000;
    const lane = laneWith({ queueSize: size });
    const outcomes = named('a', size).map((name) => submit(lane, name, { key: 'a' }));
    await turn();
    last().fail(failures.overloaded);
    await pass(1_000);
    expect(groups()).toEqual([['a0'], ['a0']]);
    last().answer();
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['a0', 'after a0']));
  });
});

describe('in any order of events', () => {
  interface Claim {
    readonly name: string;
    /** Of several claims with one key, one wins. */
    readonly key: string;
    readonly deadline: number;
    /** Whether the database refuses the claim. */
    readonly refused: boolean;
  }

  type Told = { readonly won: boolean } | { readonly error: unknown };

  const fates = [
    'answered',
    'overloaded',
    'unreachable',
    'unavailable',
    'unexpected',
    'lost, not applied',
    'lost, applied',
    'lost, applied later',
    'one is skipped',
    'one is locked',
  ] as const;
  type Fate = (typeof fates)[number];

  const claims = fc
    .array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        deadline: fc.integer({ min: 1, max: 2_000 }),
        refused: fc.boolean(),
      }),
      { minLength: 1, maxLength: 14 },
    )
    .map((list) => list.map((claim, index): Claim => ({ ...claim, name: `${claim.key}${index}` })));

  /** A fake database that keeps the winner of each key for good, and answers when the scheduler says so. */
  class FakeDatabase {
    /** The name of the winner, by key. */
    readonly winners = new Map<string, string>();
    /** The names of claims whose answer was lost at least once. */
    readonly lost = new Set<string>();
    readonly told = new Map<string, Told>();
    /** The moment from which deadlines count. */
    readonly start = performance.now();
    inFlight = 0;
    /** What goes wrong with each next statement; after the last fate, nothing. */
    readonly #fates: Fate[];

    constructor(
      readonly scheduler: fc.Scheduler,
      fates: readonly Fate[],
      readonly limits: { readonly groupSize: number; readonly inFlight: number },
    ) {
      this.#fates = [...fates];
    }

    async execute(group: readonly Claim[]): Promise<(boolean | typeof HELD_UP)[]> {
      this.#check(group);
      this.inFlight += 1;
      try {
        const fate = this.#fates.shift() ?? 'answered';
        await this.scheduler.schedule(Promise.resolve(), `${fate}: ${namesOf(group)}`);
        return this.#run(fate, group);
      } finally {
        this.inFlight -= 1;
      }
    }

    async settle(claim: Claim, won: boolean): Promise<boolean> {
      const fate = this.#fates.shift() ?? 'answered';
      await this.scheduler.schedule(Promise.resolve(), `settling ${claim.name}: ${fate}`);
      if (fate === 'unexpected') throw failures.unexpected;
      if (fate === 'unreachable') throw failures.unreachable;
      return won || this.winners.get(claim.key) === claim.name;
    }

    #check(group: readonly Claim[]): void {
      expect(group.length).toBeGreaterThan(0);
      expect(group.length).toBeLessThanOrEqual(this.limits.groupSize);
      expect(new Set(group.map(({ key }) => key)).size).toBe(group.length);
      // As many statements again may be in flight for entries that go alone.
      expect(this.inFlight).toBeLessThan(2 * this.limits.inFlight);
      for (const { name, deadline } of group) {
        expect(this.start + deadline).toBeGreaterThan(performance.now());
        expect(this.told.has(name)).toBe(false);
      }
    }

    #run(fate: Fate, group: readonly Claim[]): (boolean | typeof HELD_UP)[] {
      switch (fate) {
        case 'answered':
          return this.#apply(group);
        case 'one is skipped':
          return [HELD_UP, ...this.#apply(group.slice(1))];
        case 'one is locked':
          throw failures.locked;
        case 'overloaded':
          throw failures.overloaded;
        case 'unreachable':
          throw failures.unreachable;
        case 'unavailable':
          throw failures.unavailable;
        case 'unexpected':
          throw failures.unexpected;
        case 'lost, not applied':
          break;
        case 'lost, applied':
          this.#applyIfPossible(group);
          break;
        case 'lost, applied later':
          void this.scheduler
            .schedule(Promise.resolve(), `${namesOf(group)} after all`)
            .then(() => {
              this.#applyIfPossible(group);
            });
          break;
      }
      for (const { name } of group) this.lost.add(name);
      throw failures.lost;
    }

    #apply(group: readonly Claim[]): boolean[] {
      if (group.some(({ refused }) => refused)) throw failures.refused;
      return group.map(({ key, name }) => {
        if (this.winners.has(key)) return false;
        this.winners.set(key, name);
        return true;
      });
    }

    #applyIfPossible(group: readonly Claim[]): void {
      if (!group.some(({ refused }) => refused)) this.#apply(group);
    }
  }

  /** Whether an entry may fail with this error when its change was certainly not applied. */
  const isNotApplied = (error: unknown): boolean =>
    error === failures.unexpected ||
    error instanceof Overloaded ||
    error instanceof DatabaseUnavailable ||
    error instanceof RefusedData;

  const namesOf = (group: readonly Claim[]): string => group.map(({ name }) => name).join(', ');

  test('each entry gets one outcome, and a true one', async () => {
    const reached = new Map<string, number>();
    const reach = (what: string): void => {
      reached.set(what, (reached.get(what) ?? 0) + 1);
    };

    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        claims,
        fc.array(fc.constantFrom(...fates), { maxLength: 20 }),
        fc.record({ groupSize: fc.integer({ min: 1, max: 4 }), inFlight: fc.constantFrom(1, 2) }),
        // The pauses between events, over and over.
        fc.array(fc.constantFrom(0, 0, 1, 30, 300), { minLength: 1, maxLength: 8 }),
        async (scheduler, entries, fateList, limits, pauses) => {
          // Without randomness, the seed of a failure is enough to repeat it.
          jest.spyOn(Math, 'random').mockReturnValue(0.5);
          const database = new FakeDatabase(scheduler, fateList, limits);
          const lane = new Lane<Claim, boolean>({
            execute: async (group) => database.execute(group),
            keyOf: ({ key }) => key,
            follow: () => false,
            settle: async (claim, won) => database.settle(claim, won),
            isHeldUp: (error) => error === failures.locked,
            queueSize: 100,
            ...limits,
          });
          for (const claim of entries) {
            void scheduler.schedule(Promise.resolve(), `${claim.name} arrives`).then(() => {
              lane.submit(claim, database.start + claim.deadline).then(
                (won) => database.told.set(claim.name, { won }),
                (error: unknown) => database.told.set(claim.name, { error }),
              );
            });
          }

          // Ends: each event either takes one from the scheduler, or lets time pass towards the deadlines.
          for (let events = 0; scheduler.count() > 0 || database.told.size < entries.length;) {
            if (scheduler.count() > 0) await scheduler.waitNext(1);
            const pause = pauses[events % pauses.length] ?? 0;
            if (pause > 0 || scheduler.count() === 0) await pass(pause + 1);
            else await turn();
            events += 1;
            if (events > 5_000) throw new Error(`${lane.length} wait for ever.`);
          }

          expect(database.inFlight).toBe(0);
          expect(lane.length).toBe(0);
          for (const { name, key, refused } of entries) {
            const told = database.told.get(name);
            if (told === undefined) throw new Error(`${name} was told nothing.`);
            const winner = database.winners.get(key);
            if ('won' in told) {
              reach(told.won ? 'won' : 'lost');
              if (told.won) expect(winner).toBe(name);
              else expect([undefined, name]).not.toContain(winner);
            } else if (told.error instanceof OutcomeUnknown) {
              reach('unknown');
              expect(database.lost).toContain(name);
            } else {
              reach('failed');
              expect(isNotApplied(told.error)).toBe(true);
              // The change was not applied, not even later.
              expect(winner).not.toBe(name);
              if (told.error instanceof RefusedData) expect(refused).toBe(true);
              expect(database.lost).not.toContain(name);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
    // The runs have reached every kind of outcome.
    expect([...reached.keys()].sort()).toEqual(['failed', 'lost', 'unknown', 'won']);
  });
});
