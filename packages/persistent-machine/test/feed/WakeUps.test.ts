/**
 * Tests the one connection that listens for all machines: which followers it wakes, and when it is open. Polls are off.
 */
import { Client } from 'pg';
import { WakeUps } from 'persistent-machine/feed/WakeUps';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';

const OWN = 'this instance';

let database: TestDatabase;
let owner: Client;
let wakeUps: WakeUps;
/** How often the follower of each machine was woken. */
let woken: { doors: number; tickets: number };

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

beforeEach(() => {
  // A poll would wake all, whatever was notified.
  jest.spyOn(globalThis, 'setInterval').mockReturnValue(setTimeout(() => undefined, 0));
  woken = { doors: 0, tickets: 0 };
  wakeUps = new WakeUps({
    url: database.url,
    channels: ['doors', 'tickets', `an "odd" one`],
    ownPayload: OWN,
    listen: true,
  });
});

afterEach(() => {
  jest.restoreAllMocks();
});

const follow = (machine: 'doors' | 'tickets'): (() => Promise<void>) =>
  wakeUps.follow(machine, () => {
    woken[machine] += 1;
  });

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

async function connections(): Promise<number> {
  const { rowCount } = await owner.query(
    `SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'persistent-state-machine feed'`,
  );
  return rowCount ?? 0;
}

const notify = async (channel: string, payload: string): Promise<unknown> =>
  owner.query('SELECT pg_notify($1, $2)', [channel, payload]);

test('a notification wakes only the followers of its channel, and the instance’s own notification wakes none', async () => {
  const leaving = [follow('doors'), follow('tickets')];
  // When the connection begins to listen, each machine may have something new.
  await until(() => woken.doors === 1 && woken.tickets === 1);
  await notify('doors', OWN);
  await notify('an "odd" one', 'another instance');
  await notify('doors', 'another instance');
  await notify('tickets', OWN);
  await notify('tickets', 'another instance');
  // Notifications come in their order.
  await until(() => woken.tickets === 2);
  expect(woken).toEqual({ doors: 2, tickets: 2 });
  for (const leave of leaving) await leave();
});

test('one connection serves all followers, from the first to the last', async () => {
  expect(await connections()).toBe(0);
  const leaving = [follow('doors'), follow('doors'), follow('tickets')];
  await until(() => woken.doors === 2 && woken.tickets === 1);
  expect(await connections()).toBe(1);
  await leaving[0]?.();
  await leaving[1]?.();
  expect(await connections()).toBe(1);
  await notify('tickets', 'another instance');
  await until(() => woken.tickets === 2);
  expect(woken.doors).toBe(2);
  await leaving[2]?.();
  await until(async () => (await connections()) === 0);
  const again = follow('doors');
  await until(() => woken.doors === 3);
  await again();
  await until(async () => (await connections()) === 0);
});

test('a follower that joins a listening connection is woken at once, since it missed earlier notifications', async () => {
  const first = follow('doors');
  await until(() => woken.doors === 1);
  const second = follow('tickets');
  expect(woken).toEqual({ doors: 1, tickets: 1 });
  await first();
  await second();
});

test('a connection that is cut is replaced, and all followers are woken', async () => {
  const leaving = [follow('doors'), follow('tickets')];
  await until(() => woken.doors === 1 && woken.tickets === 1);
  await owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'persistent-state-machine feed'`,
  );
  await until(() => woken.doors === 2 && woken.tickets === 2);
  for (const leave of leaving) await leave();
});
