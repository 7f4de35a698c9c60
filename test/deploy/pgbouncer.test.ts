/**
 * PgBouncer 1.18 in transaction mode: instances start through it, migrate, and deliver each other's transitions to
 * their subscribers.
 */
import { Bystanders } from '../api/Bystanders';
import {
  type TestDatabase,
  type TestServer,
  administrate,
  ask,
  createTestDatabase,
  startServer,
} from '../harness';
import { startPgBouncer } from '../harness/pgbouncer';
import { Proxy } from '../harness/proxy';
import { type StartingProcess, serverOf, spawnProcess } from '../harness/serverProcess';
import { TRANSPORTS, subscribe } from '../../packages/persistent-machine/test/harness/subscriber';

/** Stops what a test has started, the last one first. */
let cleanUps: (() => Promise<unknown>)[];

beforeEach(() => {
  cleanUps = [];
});

afterEach(async () => {
  const failures: unknown[] = [];
  for (const cleanUp of cleanUps.reverse()) {
    // Stops all of them, even if one fails.
    await cleanUp().catch((error: unknown) => failures.push(error));
  }
  expect(failures).toEqual([]);
});

test('two instances start at once on an empty database, and a subscriber of one gets what the other commits', async () => {
  const database = await createTestDatabase(null);
  cleanUps.push(() => database.drop());
  const pgBouncer = await startPgBouncer(database.url);
  cleanUps.push(() => pgBouncer.stop());
  const start = async (): Promise<TestServer> => {
    const started = await startServer({
      DATABASE_URL: pgBouncer.url,
      PREPARED_STATEMENTS: 'off',
      LISTEN: 'off',
    });
    cleanUps.push(() => started.stop());
    return started;
  };
  const [one, other] = await Promise.all([start(), start()]);
  expect((await ask(one, '{ census { total } }')).data.census.total).toBe(0);
  const bystanders = await Bystanders.of({ ...one, database });
  cleanUps.push(() => bystanders.leave());
  const { data } = await ask(one, '{ census { cursor } }');
  const subscribers = TRANSPORTS.map((transport) =>
    subscribe(
      other,
      transport,
      'subscription ($after: String) { transitions(after: $after) { lifeId } }',
      { after: data.census.cursor },
    ),
  );
  cleanUps.push(() => Promise.all(subscribers.map((subscriber) => subscriber.stop())));
  // More at once than PgBouncer has sessions.
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => ask(one, 'mutation { conceive { id } }')),
  );
  expect(answers.map(({ errors }) => errors)).toEqual(answers.map(() => undefined));
  for (const subscriber of subscribers) {
    await subscriber.untilReceived(50);
    expect(subscriber.results.map((result) => result.data.transitions.lifeId).sort()).toEqual(
      answers.map((answer) => answer.data.conceive.id).sort(),
    );
  }
  await bystanders.expectUnchanged();
});

test('without the settings for PgBouncer the start fails, and says what PgBouncer refuses', async () => {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  const pgBouncer = await startPgBouncer(database.url);
  cleanUps.push(() => pgBouncer.stop());
  await expect(startServer({ DATABASE_URL: pgBouncer.url })).rejects.toThrow(
    /DATABASE_URL cannot be used: unsupported startup parameter/,
  );
});

describe('a start through PgBouncer', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase(null);
    cleanUps.push(() => database.drop());
  });

  /** Starts a server, and waits until it logs why it waits. */
  async function startWaiting(databaseUrl: string, reason: string): Promise<StartingProcess> {
    const starting = spawnProcess({
      DATABASE_URL: databaseUrl,
      PREPARED_STATEMENTS: 'off',
      LISTEN: 'off',
      REQUEST_TIMEOUT_MS: '2000',
    });
    cleanUps.push(() => starting.stop());
    const isTold = (): boolean =>
      starting.logs.some(({ level, msg }) => level === 40 && String(msg).endsWith(reason));
    while (!isTold()) {
      expect(starting.child.exitCode).toBeNull();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return starting;
  }

  async function expectReady(starting: StartingProcess): Promise<void> {
    const server = serverOf({ ...starting, url: await starting.url });
    expect((await ask(server, '{ census { total } }')).data).toEqual({ census: { total: 0 } });
  }

  test('waits for a database that does not exist yet', async () => {
    const present = await createTestDatabase(null);
    cleanUps.push(() => present.drop());
    const pgBouncer = await startPgBouncer(present.url);
    cleanUps.push(() => pgBouncer.stop());
    const { pathname } = new URL(database.url);
    const name = pathname.slice(1);
    await administrate(`ALTER DATABASE ${name} RENAME TO ${name}_later`);
    const url = Object.assign(new URL(pgBouncer.url), { pathname });
    const starting = await startWaiting(url.href, `database "${name}" does not exist`);
    await administrate(`ALTER DATABASE ${name}_later RENAME TO ${name}`);
    await expectReady(starting);
  });

  test('waits for a silent database no longer than for a connection, and tries again', async () => {
    const network = await Proxy.to(database.url);
    cleanUps.push(() => network.stop());
    // PostgreSQL has accepted PgBouncer once, so PgBouncer accepts every client.
    const pgBouncer = await startPgBouncer(network.url);
    cleanUps.push(() => pgBouncer.stop());
    network.silence();
    const starting = await startWaiting(pgBouncer.url, 'Query read timeout');
    network.speak();
    await expectReady(starting);
  });
});
