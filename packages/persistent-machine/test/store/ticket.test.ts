/** Tickets, whose beginning carries data: an id that is used again must begin the same. */
import { BegunOtherwise } from '../../src/store/BegunOtherwise';
import { KeptMachines, newId, nobody } from './KeptMachines';
import { Done, tickets } from './ticket';

const said = {
  title: 'Mend the door',
  number: 2_147_483_647,
  isUrgent: false,
  promisedAt: new Date('2026-03-29T01:30:00.123Z'),
};

let kept: KeptMachines<typeof tickets>;
let bystander: string;
let before: unknown;

beforeAll(async () => {
  kept = await KeptMachines.of(tickets);
  bystander = newId();
  await kept.store.begin(bystander, said, nobody);
  before = await kept.store.find(bystander);
});

afterEach(async () => {
  expect(await kept.store.find(bystander)).toEqual(before);
});

afterAll(async () => {
  await kept.close();
});

test('what is said at the beginning is in the record, and in the history as it was said', async () => {
  const id = newId();
  const begun = await kept.store.begin(id, said, nobody);
  expect(begun.state).toMatchObject(said);
  expect(await kept.store.find(id)).toEqual(begun);
  const { nodes } = await kept.reader.history(id, { from: 'start', size: 1 });
  expect(nodes).toMatchObject([{ event: 'Opening', data: said, phase: begun }]);
});

test('the same beginning is answered again, whatever happened since, and by many at once', async () => {
  const id = newId();
  const beginnings = await Promise.all(
    Array.from({ length: 20 }, async () => kept.store.begin(id, { ...said }, nobody)),
  );
  expect(new Set(beginnings.map((begun) => JSON.stringify(begun))).size).toBe(1);
  expect(await kept.store.transition(id, 'Closing', {}, nobody)).toBeInstanceOf(Done);
  const contents = await kept.contents();
  const { promisedAt, isUrgent, number, title } = said;
  const again = { promisedAt: new Date(promisedAt), isUrgent, number, title };
  expect(await kept.store.begin(id, again, nobody)).toEqual(beginnings[0]);
  expect(await kept.contents()).toEqual(contents);
});

test.each([
  ['title', { title: 'Mend the door ' }],
  ['number', { number: 7 }],
  ['flag', { isUrgent: true }],
  ['moment', { promisedAt: new Date(said.promisedAt.getTime() + 1) }],
])('a beginning with another %s is refused, and changes nothing', async (_what, other) => {
  const id = newId();
  await kept.store.begin(id, said, nobody);
  const contents = await kept.contents();
  await expect(kept.store.begin(id, { ...said, ...other }, nobody)).rejects.toThrow(
    new BegunOtherwise(id),
  );
  expect(await kept.contents()).toEqual(contents);
});

test.each([
  ['a moment that is none', { promisedAt: new Date(NaN) }],
  ['a number that is not whole', { number: 1.5 }],
])('%s is thrown, and nothing is sent', async (_what, wrong) => {
  const sent = await kept.statementsOf(async () => {
    await expect(kept.store.begin(newId(), { ...said, ...wrong }, nobody)).rejects.toThrow(
      TypeError,
    );
  });
  expect(sent).toEqual([]);
});
