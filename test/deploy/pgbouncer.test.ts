/** PgBouncer 1.18 in transaction mode: instances start through it, migrate, and tell each other's clients of what happens. */
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

/** What a test has started, and how it is ended; the last one first. */
let cleanUps: (() => Promise<unknown>)[];

beforeEach(() => {
  cleanUps = [];
});

afterEach(async () => {
  const failures: unknown[] = [];
  for (const cleanUp of cleanUps.reverse()) {
    // Whatever fails, the others are ended, too.
    await cleanUp().catch((error: unknown) => failures.push(error));
  }
  expect(failures).toEqual([]);
});

test('two instances start at once on an empty database, and what one commits the other’s subscribers get', async () => {
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

test('where it is not said that PgBouncer is in front, the start tells what it refuses', async () => {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  const pgBouncer = await startPgBouncer(database.url);
  cleanUps.push(() => pgBouncer.stop());
  await expect(startServer({ DATABASE_URL: pgBouncer.url })).rejects.toThrow(
    /DATABASE_URL cannot be used: unsupported startup parameter/,
  );
});

describe('a start through it', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase(null);
    cleanUps.push(() => database.drop());
  });

  /** Starts, and waits until it says why it waits. */
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

  test('waits for a database that is not there yet', async () => {
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

  test('waits for one that is silent no longer than for a connection, and looks again', async () => {
    const network = await Proxy.to(database.url);
    cleanUps.push(() => network.stop());
    // It has been let in by PostgreSQL once, and so lets in whoever comes.
    const pgBouncer = await startPgBouncer(network.url);
    cleanUps.push(() => pgBouncer.stop());
    network.silence();
    const starting = await startWaiting(pgBouncer.url, 'Query read timeout');
    network.speak();
    await expectReady(starting);
  });
});
