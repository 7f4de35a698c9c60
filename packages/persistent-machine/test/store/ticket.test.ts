/** Tests tickets, whose beginning carries data. */
import { KeptMachines, anonymous, newId } from './KeptMachines';
import { tickets } from './ticket';

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
  await kept.store.begin(bystander, said, anonymous);
  before = await kept.store.find(bystander);
});

afterEach(async () => {
  expect(await kept.store.find(bystander)).toEqual(before);
});

afterAll(async () => {
  await kept.close();
});

test.each([
  ['an invalid date', { promisedAt: new Date(NaN) }],
  ['a number that is not whole', { number: 1.5 }],
])('%s is thrown, and nothing is sent', async (_what, wrong) => {
  const sent = await kept.statementsOf(async () => {
    await expect(kept.store.begin(newId(), { ...said, ...wrong }, anonymous)).rejects.toThrow(
      TypeError,
    );
  });
  expect(sent).toEqual([]);
});
