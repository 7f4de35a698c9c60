/** Tests what the server logs while it waits for a database, and how often. */
import { awaitDatabase } from '../../src/database/awaitDatabase';
import { DatabaseNotReady, UnusableDatabase } from '../../src/database/failures';

function logOf(): { log: { info: jest.Mock; warn: jest.Mock }; told: () => unknown[] } {
  const lines: unknown[] = [];
  const note = jest.fn((message: unknown) => lines.push(message));
  return { log: { info: note, warn: note }, told: () => lines };
}

test('the log names a reason once, until the reason changes', async () => {
  const { log, told } = logOf();
  const outcomes = ['it is away', 'it is away', 'it is full', 'it is full', undefined];
  const opened = await awaitDatabase(
    async () => {
      const outcome = outcomes.shift();
      if (outcome !== undefined) throw new DatabaseNotReady(outcome);
      return Promise.resolve('opened');
    },
    log,
    async () => Promise.resolve(),
    new AbortController().signal,
  );
  expect(opened).toBe('opened');
  expect(told()).toEqual([
    'Waiting for the database: it is away',
    'Waiting for the database: it is full',
    'The database is available',
  ]);
});

test('an error that the operator has to mend ends the wait', async () => {
  const { log, told } = logOf();
  const broken = new UnusableDatabase('Mend it.');
  await expect(
    awaitDatabase(
      async () => Promise.reject(broken),
      log,
      async () => Promise.resolve(),
      new AbortController().signal,
    ),
  ).rejects.toBe(broken);
  expect(told()).toEqual([]);
});
