/** The one connection that listens for all machines: whom it wakes, and when it is there. Without polls. */
import { Client } from 'pg';
import { WakeUps } from 'persistent-machine/feed/WakeUps';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';

const OWN = 'this instance';

let database: TestDatabase;
let owner: Client;
let wakeUps: WakeUps;
/** How often each has been woken. */
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

test('a notification wakes the followers of its channel alone; the instance’s own wakes none', async () => {
  const leaving = [follow('doors'), follow('tickets')];
  // Once it listens, there may be something new of each.
  await until(() => woken.doors === 1 && woken.tickets === 1);
  await notify('doors', OWN);
  await notify('an "odd" one', 'another instance');
  await notify('doors', 'another instance');
  await notify('tickets', OWN);
  await notify('tickets', 'another instance');
  // They come in their order.
  await until(() => woken.tickets === 2);
  expect(woken).toEqual({ doors: 2, tickets: 2 });
  for (const leave of leaving) await leave();
});

test('there is one connection for all, from the first follower to the last', async () => {
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

test('a follower that joins while it listens looks at once: what came before is notified to it no more', async () => {
  const first = follow('doors');
  await until(() => woken.doors === 1);
  const second = follow('tickets');
  expect(woken).toEqual({ doors: 1, tickets: 1 });
  await first();
  await second();
});

test('a connection that is cut is made anew, and all followers look then', async () => {
  const leaving = [follow('doors'), follow('tickets')];
  await until(() => woken.doors === 1 && woken.tickets === 1);
  await owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'persistent-state-machine feed'`,
  );
  await until(() => woken.doors === 2 && woken.tickets === 2);
  for (const leave of leaving) await leave();
});
