/** Tests the lanes of a machine together: their names, how full they are, and what is reported of their groups. */
import type { Reader, Statement } from '../../src/database/Database';
import { Overloaded } from '../../src/database/failures';
import { type Operation, oneByOne } from '../../src/operations/Operation';
import { Lanes } from '../../src/store/Lanes';

/** A deadline later than the end of any test. */
const deadline = (): number => performance.now() + 60_000;

const statement: Statement = { name: 'echo', text: 'SELECT' };

/** Answers each question itself. */
function echo(lane: Partial<Operation<string, string>['lane']> = {}): Operation<string, string> {
  return {
    lane: { ...oneByOne<string>({ name: 'echo', inFlight: 1, keyOf: (text) => text }), ...lane },
    query: (group) => ({ statement, values: [...group] }),
    answers: (_rows, group) => group,
  };
}

/** A fake database that answers once the test lets it. */
function heldDatabase(): {
  readonly reader: Reader;
  readonly sent: unknown[][];
  letGo: () => void;
} {
  const sent: unknown[][] = [];
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const reader: Reader = {
    run: async (_statement, values) => {
      sent.push([...values]);
      await held;
      return [];
    },
  };
  return { reader, sent, letGo };
}

test('the name of a lane is unique', () => {
  const lanes = new Lanes({ queueSize: 1 });
  const { reader } = heldDatabase();
  lanes.open(echo(), reader);
  expect(() => lanes.open(echo(), reader)).toThrow('There is a lane named echo.');
  lanes.open(echo(), reader, { name: 'another echo' });
  expect(lanes.lengths).toEqual({ echo: 0, 'another echo': 0 });
});

test('admission refuses requests while one lane is full, unless only subscribers wait in it', async () => {
  const lanes = new Lanes({ queueSize: 1 });
  const { reader, letGo } = heldDatabase();
  const aside = lanes.open(echo({ isAside: true }), reader, { name: 'aside' });
  const own = lanes.open(echo(), reader);
  const answers: Promise<string>[] = [];
  for (const lane of [aside, own]) {
    expect(lanes.isFull).toBe(false);
    answers.push(lane.submit('in flight', deadline()));
    await new Promise(setImmediate);
    answers.push(lane.submit('waits', deadline()));
    await expect(lane.submit('too many', deadline())).rejects.toThrow(Overloaded);
  }
  expect(lanes.isFull).toBe(true);
  expect(lanes.lengths).toEqual({ aside: 1, echo: 1 });
  letGo();
  expect(await Promise.all(answers)).toEqual(['in flight', 'waits', 'in flight', 'waits']);
  expect(lanes.isFull).toBe(false);
});

test('each group is reported with the name of its lane', async () => {
  const groups: unknown[] = [];
  const lanes = new Lanes({
    queueSize: 10,
    onGroup: (lane, size) => groups.push([lane, size]),
  });
  const { reader, sent, letGo } = heldDatabase();
  const lane = lanes.open(echo({ groupSize: 2, formOf: () => '' }), reader);
  letGo();
  await Promise.all(['a', 'b', 'c'].map((text) => lane.submit(text, deadline())));
  expect(groups).toEqual([
    ['echo', 2],
    ['echo', 1],
  ]);
  expect(sent).toEqual([['a', 'b'], ['c']]);
});
