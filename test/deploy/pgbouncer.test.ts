/** PgBouncer 1.18 in transaction mode: instances start through it, migrate, and tell each other's clients of what happens. */
import { Client } from 'pg';
import { type TestServer, ask, createTestDatabase, startServer } from '../harness';
import { startPgBouncer } from '../harness/pgbouncer';
import { TRANSPORTS, subscribe } from '../harness/subscriber';

test('two instances start at once on an empty database, and what one commits the other’s subscribers get', async () => {
  const database = await createTestDatabase(null);
  const pgBouncer = await startPgBouncer(database.url);
  const start = async (settings: Record<string, string>): Promise<TestServer> =>
    startServer({ DATABASE_URL: pgBouncer.url, ...settings });
  const [one, other] = await Promise.all([
    start({ PREPARED_STATEMENTS: 'off', LISTEN: 'off' }),
    start({ PREPARED_STATEMENTS: 'off', LISTEN: 'off' }),
  ]);
  try {
    const { data } = await ask(one, '{ census { total cursor } }');
    expect(data.census.total).toBe(0);
    const subscribers = TRANSPORTS.map((transport) =>
      subscribe(
        other,
        transport,
        'subscription ($after: String) { transitions(after: $after) { lifeId } }',
        { after: data.census.cursor },
      ),
    );
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
      await subscriber.stop();
    }
    // A session of PostgreSQL’s is nobody’s own: nothing may be left in it by whoever had it before.
    const observer = new Client({ connectionString: database.url });
    await observer.connect();
    const { rows } = await observer.query<{ sessions: number }>(
      `SELECT count(*)::integer AS sessions FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await observer.end();
    expect(rows[0]?.sessions).toBeLessThanOrEqual(5);
  } finally {
    await Promise.all([one.stop(), other.stop()]);
    await pgBouncer.stop();
    await database.drop();
  }
});

test('where it is not said that PgBouncer is in front, the start tells what it refuses', async () => {
  const database = await createTestDatabase();
  const pgBouncer = await startPgBouncer(database.url);
  try {
    await expect(startServer({ DATABASE_URL: pgBouncer.url })).rejects.toThrow(
      /DATABASE_URL cannot be used: unsupported startup parameter/,
    );
  } finally {
    await pgBouncer.stop();
    await database.drop();
  }
});
