/** Tests lanes that share slots, with a fake database: who gets the next slot, and that none is lost. */
import { Overloaded, RefusedData } from '../../src/database/failures';
import { Lane } from '../../src/store/Lane';
import { Slots } from '../../src/store/Slots';

/** A statement that was sent, to be answered by the test. */
interface Sent {
  readonly names: readonly string[];
  readonly answer: () => void;
  readonly fail: (error: Error) => void;
}

/** Later than the end of any test. */
const LATER = Infinity;

let sent: Sent[];
let slots: Slots;

beforeEach(() => {
  sent = [];
  slots = new Slots(1);
});

/** A lane whose statements wait for the test. */
function lane(): Lane<string, string> {
  return new Lane<string, string>({
    execute: async (names) =>
      new Promise((resolve, reject) => {
        const answer = (): void => {
          resolve(names);
        };
        sent.push({ names, answer, fail: reject });
      }),
    keyOf: (name) => name,
    follow: (first) => first,
    groupSize: 3,
    queueSize: 100,
    inFlight: 1,
    slots,
  });
}

async function turn(): Promise<void> {
  for (let step = 0; step < 4; step += 1) await new Promise(setImmediate);
}

const groups = (): (readonly string[])[] => sent.map(({ names }) => names);

test('a lane without a slot sends nothing, and then all that has arrived meanwhile; the lanes take turns', async () => {
  const [one, other] = [lane(), lane()];
  const outcomes = [one.submit('a', LATER)];
  await turn();
  outcomes.push(other.submit('b', LATER), one.submit('c', LATER));
  await turn();
  outcomes.push(other.submit('d', LATER));
  await turn();
  expect(groups()).toEqual([['a']]);
  for (const [index, expected] of [['b', 'd'], ['c']].entries()) {
    sent[index]?.answer();
    await turn();
    expect(groups().slice(index + 1)).toEqual([expected]);
  }
  sent[2]?.answer();
  expect(await Promise.all(outcomes)).toEqual(['a', 'b', 'c', 'd']);
});

test('an entry that waits for a slot fails at its deadline, and leaves the slot to others', async () => {
  const [one, other] = [lane(), lane()];
  const first = one.submit('a', LATER);
  await turn();
  await expect(other.submit('b', performance.now() + 20)).rejects.toThrow(Overloaded);
  sent[0]?.answer();
  await first;
  const next = one.submit('c', LATER);
  await turn();
  expect(groups()).toEqual([['a'], ['c']]);
  sent[1]?.answer();
  expect(await next).toBe('c');
});

test('a statement that fails gives its slot back', async () => {
  const [one, other] = [lane(), lane()];
  const refused = one.submit('a', LATER);
  await turn();
  const next = other.submit('b', LATER);
  sent[0]?.fail(new RefusedData(undefined, {}));
  await expect(refused).rejects.toThrow(RefusedData);
  await turn();
  sent[1]?.answer();
  expect(await next).toBe('b');
});

test('a lane that pauses after a failure keeps no slot from others, and goes on after its pause', async () => {
  const [one, other] = [lane(), lane()];
  const patient = one.submit('a', LATER);
  await turn();
  const next = other.submit('b', LATER);
  await turn();
  sent[0]?.fail(new Overloaded('busy'));
  await turn();
  expect(groups()).toEqual([['a'], ['b']]);
  sent[1]?.answer();
  expect(await next).toBe('b');
  while (sent.length < 3) await turn();
  sent[2]?.answer();
  expect(await patient).toBe('a');
});
