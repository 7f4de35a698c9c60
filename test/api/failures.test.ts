/**
 * Real failures of the database, on a database of the test's own. The client learns enough to act and nothing else, and
 * the server recovers with the database.
 */
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { type Answer, type TestServer, administrate, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { LEAK, ask, dataOf, send } from './client';
import { livingIn, mutationOf } from './lives';

const FIND = 'query ($id: ID!) { life(id: $id) { version } }';

let server: TestServer;
let bystanders: Bystanders;
/** The name of the server's database. */
let database: string;

/** @param environment the server's variables beside those of its database */
async function begin(environment: Record<string, string> = {}): Promise<void> {
  server = await startServer(environment);
  bystanders = await Bystanders.of(server);
  database = new URL(urlOf(server)).pathname.slice(1);
}

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterEach(async () => {
  // Also if making the bystanders failed: a server that keeps running would block the run.
  try {
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

function urlOf({ database: own }: TestServer): string {
  if (own === undefined) throw new Error('A server that was started without DATABASE_URL has one.');
  return own.url;
}

/** Runs a statement as the owner of the tables. */
async function asOwner(statement: string): Promise<void> {
  const client = new Client({ connectionString: urlOf(server) });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Ends all sessions of the server, and waits until they have ended. */
async function endSessions(): Promise<void> {
  await administrate(
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = '${database}' AND application_name = 'persistent-state-machine'`,
  );
}

const codesOf = ({ errors }: Awaited<ReturnType<typeof ask>>): unknown[] | undefined =>
  errors?.map(({ extensions }) => extensions['code']);

describe('an unexpected error', () => {
  beforeEach(() => begin());

  // Any statement on the history now fails with an error whose code the server does not know.
  const broken = `
    CREATE FUNCTION fail() RETURNS boolean LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'relation "life_transitions" is broken' USING ERRCODE = 'internal_error';
      END $$;
    CREATE POLICY broken ON life_transitions USING (fail());
    ALTER TABLE life_transitions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`;
  const mended = `
    ALTER TABLE life_transitions DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
    DROP POLICY broken ON life_transitions;
    DROP FUNCTION fail`;

  test('is masked, and logged with its cause and the id of the request', async () => {
    const id = await livingIn(server, 'Gestating');
    await asOwner(broken);
    const query =
      'query Looking($id: ID!) { life(id: $id) { version history { nodes { version } } } }';
    const { headers, status, body } = await send(server, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { id } }),
    });
    expect(status).toBe(200);
    const requestId = headers['x-request-id'];
    expect(body).toEqual({
      data: { life: null },
      errors: [
        {
          message: 'Something went wrong on our side.',
          locations: [{ line: 1, column: query.indexOf('history') + 1 }],
          path: ['life', 'history'],
          extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
        },
      ],
    });

    const logged = server.logs.filter(
      (line) => line['requestId'] === requestId && line['level'] === 50,
    );
    expect(logged).toEqual([
      expect.objectContaining({
        level: 50,
        operationName: 'Looking',
        err: expect.objectContaining({
          message: 'relation "life_transitions" is broken',
          stack: expect.stringMatching(/\n\s+at /),
        }),
      }),
    ]);
    expect(server.logs).toContainEqual(
      expect.objectContaining({
        level: 40,
        requestId,
        operation: 'query',
        operationName: 'Looking',
        code: 'INTERNAL_SERVER_ERROR',
        status: 200,
      }),
    );
    // LEAK would have matched the cause, so the answer did not contain it.
    expect(JSON.stringify(logged)).toMatch(LEAK);
    // The id of the life is not for the log.
    expect(JSON.stringify(logged)).not.toContain(id);
    await asOwner(mended);
  });

  test('is also masked and logged if GraphQL cannot represent a value from the database', async () => {
    const counts = '{"Gestating": 3000000000, "Alive": 0, "Dead": 0}';
    await asOwner(`
      ALTER TABLE ledger DISABLE TRIGGER ledger_counts_what_was_recorded;
      UPDATE ledger SET counts = '${counts}'`);
    const { data, errors } = await ask(server, '{ census { gestating } }');
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      {
        message: 'Something went wrong on our side.',
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      },
    ]);
    expect(server.logs).toContainEqual(
      expect.objectContaining({ level: 50, requestId: errors?.[0]?.extensions['requestId'] }),
    );
  });

  test('changes nothing, and affects neither other requests in flight nor later ones', async () => {
    const [one, other] = [uuidv7(), await livingIn(server, 'Gestating')];
    const mutation = `mutation ($one: ID!, $other: ID!) {
      conceive(id: $one) { id }
      birth(id: $other) { __typename }
      none: birth(id: "${uuidv7()}") { __typename }
    }`;
    await asOwner(broken);
    const { data, errors } = await ask(server, mutation, { one, other });
    expect(data).toEqual({ conceive: null, birth: null, none: { __typename: 'LifeNotFound' } });
    expect(errors).toMatchObject([
      { path: ['conceive'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
      { path: ['birth'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
    expect(await dataOf(server, FIND, { id: one })).toEqual({ life: null });
    expect(await dataOf(server, FIND, { id: other })).toEqual({ life: { version: 1 } });

    await asOwner(mended);
    expect(await dataOf(server, mutation, { one, other })).toMatchObject({
      conceive: { id: one },
      birth: { __typename: 'Alive' },
    });
  });
});

test('while the database is down, requests fail with DATABASE_UNAVAILABLE, and afterwards all succeed', async () => {
  // The server reports after this time that the database is unavailable.
  await begin({ REQUEST_TIMEOUT_MS: '500' });
  const id = await livingIn(server, 'Gestating');
  // As many at once that the pool loses several sessions.
  await Promise.all(Array.from({ length: 20 }, async () => dataOf(server, FIND, { id })));
  await bystanders.leave();
  await administrate(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
  await endSessions();
  try {
    const answers = await Promise.all([
      ask(server, FIND, { id }),
      ask(server, mutationOf('Birth', '__typename'), { id }),
      ask(server, 'mutation { conceive { id } }'),
      ask(server, '{ census { total } }'),
      ask(server, '{ lives { totalCount } }'),
      ask(server, '{ transitions { nodes { version } } }'),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(codesOf(answer)).toEqual(['DATABASE_UNAVAILABLE']);
    }
    // Admission now refuses every request, also one that needs no database, because it does not read the document.
    let refused: Answer;
    do refused = await ask(server, '{ machine { mermaid } }');
    while (refused.status !== 503);
    expect(codesOf(refused)).toEqual(['DATABASE_UNAVAILABLE']);
    for (const path of ['/healthz', '/readyz']) {
      expect((await send(server, { method: 'GET', path })).status).toBe(200);
    }
  } finally {
    await administrate(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
    await bystanders.enter();
  }
  expect(await dataOf(server, FIND, { id })).toEqual({ life: { version: 1 } });
  expect(await dataOf(server, mutationOf('Birth', '__typename'), { id })).toEqual({
    outcome: { __typename: 'Alive' },
  });
});

test('the server replaces idle sessions that the database has ended, and no client notices', async () => {
  await begin();
  const id = await livingIn(server, 'Gestating');
  await endSessions();
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => ask(server, FIND, { id })),
  );
  for (const { data, errors } of answers) {
    expect(errors).toBeUndefined();
    expect(data).toEqual({ life: { version: 1 } });
  }
});

test('with a read-only database, mutations fail with DATABASE_UNAVAILABLE, and queries are answered', async () => {
  await begin();
  const id = await livingIn(server, 'Gestating');
  const { census } = await dataOf(server, '{ census { total cursor } }');
  await administrate(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  await endSessions();

  for (const mutation of [
    `mutation ($id: ID!) { birth(id: $id) { __typename } }`,
    `mutation ($id: ID!) { die(id: $id) { __typename } }`,
    `mutation { conceive { id } }`,
  ]) {
    expect(codesOf(await ask(server, mutation, { id }))).toEqual(['DATABASE_UNAVAILABLE']);
  }
  // A refusal that needs no write is answered as usual.
  expect(await dataOf(server, mutationOf('Birth', '__typename'), { id: uuidv7() })).toEqual({
    outcome: { __typename: 'LifeNotFound' },
  });
  expect(await dataOf(server, FIND, { id })).toEqual({ life: { version: 1 } });
  expect(await dataOf(server, '{ census { total cursor } }')).toEqual({ census });

  await administrate(`ALTER DATABASE ${database} RESET default_transaction_read_only`);
  await endSessions();
  expect(await dataOf(server, mutationOf('Birth', '__typename'), { id })).toEqual({
    outcome: { __typename: 'Alive' },
  });
});

test('errors that are the client’s to handle are not logged as errors', async () => {
  await begin();
  await administrate(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  await endSessions();
  await ask(server, 'mutation { conceive { id } }');
  await ask(server, '{ life(id: "no UUID") { id } }');
  await ask(server, '{');
  expect(server.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  await administrate(`ALTER DATABASE ${database} RESET default_transaction_read_only`);
});
