/**
 * The start command in a process of its own, with the embedded database: what survives a stop, a kill and the loss of
 * PostgreSQL, and what a person reads if the server does not start.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { Client } from 'pg';
import { MIGRATION_LOCK } from 'persistent-machine/database/migrate';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { Proxy } from '../harness/proxy';
import {
  type ServerProcess,
  type StartingProcess,
  freePort,
  serverOf,
  spawnProcess,
  startProcess,
} from '../harness/serverProcess';

/** On a busy machine, milliseconds may become seconds. */
const PATIENCE = { REQUEST_TIMEOUT_MS: '60000', SHUTDOWN_GRACE_MS: '60000' };

let directory: string;
/** Stops what a test has started, the last one first. */
let cleanUps: (() => Promise<unknown>)[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'start-'));
});

beforeEach(() => {
  cleanUps = [];
});

afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function start(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const started = await startProcess({ DATA_DIR: directory, ...PATIENCE, ...environment });
  cleanUps.push(() => started.stop());
  return started;
}

async function conceive(running: ServerProcess): Promise<string> {
  const { data } = await ask(serverOf(running), 'mutation { conceive { id } }');
  return data.conceive.id;
}

async function phaseOf(running: ServerProcess, id: string): Promise<unknown> {
  const { data } = await ask(serverOf(running), 'query ($id: ID!) { life(id: $id) { phase } }', {
    id,
  });
  return data.life?.phase;
}

test('acknowledged changes survive a stop, a kill of the server, and a kill of its PostgreSQL', async () => {
  const first = await start();
  const kept = await conceive(first);
  // The terminal sends a signal to the whole group, and npm passes it on, so it arrives twice.
  first.child.kill('SIGTERM');
  first.child.kill('SIGTERM');
  expect(await first.ended).toEqual({ code: 0, complaint: '' });

  const second = await start();
  expect(await phaseOf(second, kept)).toBe('GESTATING');
  const acknowledged = await conceive(second);
  second.child.kill('SIGKILL');
  await second.ended;

  const third = await start();
  expect(await phaseOf(third, acknowledged)).toBe('GESTATING');
  const intruder = await start();
  expect(intruder.url).toBeUndefined();
  const { code, complaint } = await intruder.ended;
  expect(code).toBe(1);
  expect(complaint.trim().split('\n')).toHaveLength(1);
  expect(complaint).toContain(directory);
  expect(complaint).toContain(`process ${String(third.child.pid)}`);
  expect(complaint).toContain('DATA_DIR');
  expect(await phaseOf(third, acknowledged)).toBe('GESTATING');

  const pid = await readFile(join(directory, 'postgres', 'data', 'postmaster.pid'), 'utf8');
  process.kill(Number.parseInt(pid, 10), 'SIGKILL');
  // A retry with the same id is safe. Each answer is an error, or the life.
  const id = 'c0ffee00-0000-4000-8000-000000000000';
  for (let conceived = false; !conceived;) {
    const { data, errors } = await ask(
      serverOf(third),
      'mutation ($id: ID) { conceive(id: $id) { id } }',
      { id },
    );
    conceived = data.conceive !== null;
    if (!conceived) {
      expect(['DATABASE_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'OVERLOADED']).toContain(
        errors?.[0]?.extensions['code'],
      );
    }
  }
  expect(await phaseOf(third, kept)).toBe('GESTATING');
  expect(await phaseOf(third, id)).toBe('GESTATING');
  third.child.kill('SIGINT');
  expect(await third.ended).toEqual({ code: 0, complaint: '' });
  // A PostgreSQL that still ran would have its pid there.
  expect(await readdir(join(directory, 'postgres', 'data'))).not.toContain('postmaster.pid');
});

test('if a connection breaks in the middle of a birth, the caller gets its result, and the life is born once', async () => {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  const proxy = await Proxy.to(database.url);
  cleanUps.push(() => proxy.stop());
  const rival = new Client({ connectionString: database.url });
  await rival.connect();
  cleanUps.push(() => rival.end());

  const running = await start({ DATABASE_URL: proxy.url });
  const [id, bystander] = [await conceive(running), await conceive(running)];
  // A session that holds the ledger's row blocks every commit.
  await rival.query('BEGIN');
  await rival.query('SELECT FROM ledger FOR UPDATE');
  const born = ask(
    serverOf(running),
    'mutation ($id: ID!) { birth(id: $id) { ... on Alive { history { nodes { event } } } } }',
    { id },
  );
  await untilASessionWaits(rival);
  proxy.cutAll();
  await rival.query('COMMIT');

  const { data, errors } = await born;
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    birth: { history: { nodes: [{ event: 'CONCEPTION' }, { event: 'BIRTH' }] } },
  });
  expect(await phaseOf(running, id)).toBe('ALIVE');
  expect(await phaseOf(running, bystander)).toBe('GESTATING');

  running.child.kill('SIGTERM');
  expect(await running.ended).toEqual({ code: 0, complaint: '' });
});

test('Ctrl-C during the first initdb ends the start in order', async () => {
  const fresh = await mkdtemp(join(tmpdir(), 'start-'));
  cleanUps.push(() => rm(fresh, { recursive: true }));
  const starting = spawnProcess({ DATA_DIR: fresh, ...PATIENCE }, { detached: true });
  cleanUps.push(() => starting.stop());
  const isAtWork = async (): Promise<boolean> =>
    // A folder that disappears during the read is not initdb's.
    (await readdir(fresh, { recursive: true }).catch(() => [])).some((name) =>
      /^initialising-.*PG_VERSION$/.test(name),
    );
  while (!(await isAtWork())) expect(starting.child.exitCode).toBeNull();
  // To the whole group, as a terminal sends it.
  process.kill(-Number(starting.child.pid), 'SIGINT');
  expect(await starting.ended).toEqual({ code: 0, complaint: '' });

  const again = await start({ DATA_DIR: fresh });
  expect(await phaseOf(again, await conceive(again))).toBe('GESTATING');
});

test('no environment variable affects the connection to the embedded PostgreSQL', async () => {
  const fresh = await mkdtemp(join(tmpdir(), 'start-'));
  cleanUps.push(() => rm(fresh, { recursive: true }));
  const running = await start({
    DATA_DIR: fresh,
    PGSSLMODE: 'require',
    PGHOST: 'nowhere.invalid',
    PGPASSWORD: 'wrong',
    PGOPTIONS: '-c search_path=nowhere',
    PGSSLNEGOTIATION: 'direct',
    PGREPLICATION: 'database',
  });
  expect(await phaseOf(running, await conceive(running))).toBe('GESTATING');
  // The log says where the database is, and how to connect to it, without a password.
  const told = running.logs.map(({ msg }) => String(msg));
  expect(
    told.filter((line) => line.includes(`embedded PostgreSQL in ${fresh}, schema public`)),
  ).toHaveLength(1);
  // And where the server listens.
  expect(told.filter((line) => line.includes(String(running.url)))).toHaveLength(1);
  expect(told.join('\n')).not.toMatch(/postgres(ql)?:\/\//);
});

test('a server logs once where its database is, and which variable is one letter off', async () => {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  const running = await start({
    DATABASE_URL: database.url,
    DATABASE_POOLSIZE: '3',
    LOGLEVEL: 'x',
  });
  const { host, pathname, password } = new URL(database.url);
  const told = running.logs.map(({ msg }) => String(msg));
  expect(
    told.filter((line) => line.includes(`${pathname.slice(1)} at ${decodeURIComponent(host)}`)),
  ).toHaveLength(1);
  expect(told.filter((line) => line.includes('DATABASE_POOLSIZE'))).toEqual([
    'DATABASE_POOLSIZE is not a setting. Did you mean DATABASE_POOL_SIZE?',
  ]);
  expect(told.filter((line) => line.includes('LOGLEVEL'))).toHaveLength(1);
  if (password !== '') expect(told.join('\n')).not.toContain(password);
});

test('an invalid setting stops the start, with one message for people', async () => {
  const refused = await start({ PORT: 'http' });
  expect(refused.url).toBeUndefined();
  expect(await refused.ended).toEqual({
    code: 1,
    complaint: 'PORT="http" is not allowed: expected a whole number from 0 to 65535\n',
  });
});

test.each([
  { what: 'database that does not exist', alter: (url: URL) => (url.pathname = '/none_of_ours') },
  { what: 'user that does not exist', alter: (url: URL) => (url.username = 'nobody_of_ours') },
])('a $what is reported in a sentence, without the password', async ({ alter }) => {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  const url = new URL(database.url);
  alter(url);
  url.password = 's3cret';
  const refused = await start({ DATABASE_URL: url.href });
  expect(refused.url).toBeUndefined();
  const { code, complaint } = await refused.ended;
  expect(code).toBe(1);
  expect(complaint).toContain('DATABASE_URL');
  expect(complaint).not.toContain('s3cret');
  expect(complaint.trim().split('\n')).toHaveLength(1);
});

describe('a server without its database', () => {
  let proxy: Proxy;
  let starting: StartingProcess;
  let url: string;

  beforeEach(async () => {
    const database = await createTestDatabase();
    cleanUps.push(() => database.drop());
    proxy = await Proxy.to(database.url);
    cleanUps.push(() => proxy.stop());
    proxy.refuse();
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    starting = spawnProcess({
      DATABASE_URL: proxy.url,
      PORT: String(port),
      SHUTDOWN_GRACE_MS: '60000',
    });
    cleanUps.push(() => starting.stop());
    while (starting.logs.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  test('starts, answers that it is not ready, and serves requests once the database is up', async () => {
    // With a query string, too, as the full server answers.
    for (const suffix of ['', '?', '?probe=1']) {
      expect((await fetch(`${url}/healthz${suffix}`)).status).toBe(200);
      const notReady = await fetch(`${url}/readyz${suffix}`);
      expect([notReady.status, await notReady.json()]).toEqual([503, { status: 'not ready' }]);
    }
    const response = await fetch(`${url}/graphql`, { method: 'POST', body: '{' });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.json()).toEqual({
      errors: [
        {
          message: expect.any(String),
          extensions: {
            code: 'DATABASE_UNAVAILABLE',
            requestId: response.headers.get('x-request-id'),
          },
        },
      ],
    });
    expect(JSON.stringify(starting.logs)).not.toContain('postgresql://');
    expect(starting.logs.every(({ level }) => level === 40)).toBe(true);

    await proxy.accept();
    expect(await starting.url).toBe(url);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await ask({ url }, '{ census { total } }')).data).toEqual({ census: { total: 0 } });
  });

  test('stops at a signal', async () => {
    starting.child.kill('SIGTERM');
    expect(await starting.ended).toEqual({ code: 0, complaint: '' });
  });
});

describe('a server whose first attempt to connect takes long', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    // The empty database must be migrated.
    database = await createTestDatabase(null);
    cleanUps.push(() => database.drop());
  });

  /** Starts a server, and waits until it listens. It must answer that it is alive and not ready. */
  async function startSlowly(databaseUrl: string): Promise<StartingProcess> {
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    // No attempt may fail during the test.
    const patience = { REQUEST_TIMEOUT_MS: '600000' };
    const starting = spawnProcess({ DATABASE_URL: databaseUrl, PORT: port, ...patience });
    cleanUps.push(() => starting.stop());
    while ((await statusOf(`${url}/healthz`)) === undefined) {
      expect(starting.child.exitCode).toBeNull();
    }
    expect(await statusOf(`${url}/healthz`)).toBe(200);
    expect(await statusOf(`${url}/readyz`)).toBe(503);
    expect(starting.logs).toEqual([expect.objectContaining({ level: 40 })]);
    return starting;
  }

  test('on a silent database, answers that it is alive', async () => {
    const proxy = await Proxy.to(database.url);
    cleanUps.push(() => proxy.stop());
    proxy.silence();
    const starting = await startSlowly(proxy.url);
    proxy.speak();
    const url = await starting.url;
    expect(await statusOf(`${String(url)}/readyz`)).toBe(200);
  });

  test('behind another instance’s migration, answers that it is alive', async () => {
    const other = new Client({ connectionString: database.url });
    await other.connect();
    cleanUps.push(() => other.end());
    await other.query('BEGIN');
    await other.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const starting = await startSlowly(database.url);
    await untilASessionWaits(other);
    await other.query('COMMIT');
    const url = await starting.url;
    expect(await statusOf(`${String(url)}/readyz`)).toBe(200);
  });
});

describe('a port in use', () => {
  let port: string;

  beforeEach(async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    cleanUps.push(async () => occupant.close());
    // A server that listens on a port has an address with it.
    port = String((occupant.address() as { port: number }).port);
  });

  async function expectRefusal(environment: Record<string, string>): Promise<void> {
    const refused = await start({ ...environment, PORT: port });
    expect(refused.url).toBeUndefined();
    expect(await refused.ended).toEqual({
      code: 1,
      complaint: `Port ${port} of 127.0.0.1 is in use by another process. End that process, or set PORT to another port.\n`,
    });
    expect(refused.logs).toEqual([]);
  }

  test('is reported in a sentence, before a data directory is made', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'start-'));
    cleanUps.push(() => rm(parent, { recursive: true }));
    await expectRefusal({ DATA_DIR: join(parent, 'data') });
    expect(await readdir(parent)).toEqual([]);
  });

  test('is reported in a sentence, before the database of DATABASE_URL is migrated', async () => {
    const database = await createTestDatabase(null);
    cleanUps.push(() => database.drop());
    await expectRefusal({ DATABASE_URL: database.url });
    const client = new Client({ connectionString: database.url });
    await client.connect();
    cleanUps.push(() => client.end());
    const { rows } = await client.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace`,
    );
    expect(rows).toEqual([]);
  });
});

/** @returns undefined if no process listens */
async function statusOf(url: string): Promise<number | undefined> {
  const response = await fetch(url).catch(() => undefined);
  return response?.status;
}

/** Asks the database until a session waits for a lock. */
async function untilASessionWaits(observer: Client): Promise<void> {
  for (;;) {
    const { rows } = await observer.query<{ waiting: boolean }>(
      `SELECT EXISTS (
         SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'
       ) AS waiting`,
    );
    if (rows[0]?.waiting === true) return;
  }
}
