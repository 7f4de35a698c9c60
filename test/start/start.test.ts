/**
 * The start command itself, in a process of its own with the embedded database: what survives a stop, a kill
 * and the loss of its PostgreSQL, and what a person is told when it does not start.
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

/** On a machine that is busy with something else, what takes milliseconds may take seconds. */
const PATIENCE = { REQUEST_TIMEOUT_MS: '60000', SHUTDOWN_GRACE_MS: '60000' };

let directory: string;
/** What a test has started, and how it is ended; the last one first. */
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

test('what was recorded is there after a stop, a kill of the server, and a kill of its PostgreSQL', async () => {
  const first = await start();
  const kept = await conceive(first);
  // npm passes on a signal that the terminal has sent to everybody: it comes twice.
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
  // A retry is safe: the same id answers the same life. Each answer is a refusal, or the life.
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

test('a connection that breaks in the middle of a birth costs nobody anything, and the life is born once', async () => {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  const proxy = await Proxy.to(database.url);
  cleanUps.push(() => proxy.stop());
  const rival = new Client({ connectionString: database.url });
  await rival.connect();
  cleanUps.push(() => rival.end());

  const running = await start({ DATABASE_URL: proxy.url });
  const [id, bystander] = [await conceive(running), await conceive(running)];
  // Whoever holds the ledger's row lets nobody finish.
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

test('Ctrl-C while the first cluster is being made ends the start in order', async () => {
  const fresh = await mkdtemp(join(tmpdir(), 'start-'));
  cleanUps.push(() => rm(fresh, { recursive: true }));
  const starting = spawnProcess({ DATA_DIR: fresh, ...PATIENCE }, { detached: true });
  cleanUps.push(() => starting.stop());
  const isAtWork = async (): Promise<boolean> =>
    // A folder that goes while it is being read is none that initdb works in.
    (await readdir(fresh, { recursive: true }).catch(() => [])).some((name) =>
      /^initialising-.*PG_VERSION$/.test(name),
    );
  while (!(await isAtWork())) expect(starting.child.exitCode).toBeNull();
  // The terminal sends it to the whole group.
  process.kill(-Number(starting.child.pid), 'SIGINT');
  expect(await starting.ended).toEqual({ code: 0, complaint: '' });

  const again = await start({ DATA_DIR: fresh });
  expect(await phaseOf(again, await conceive(again))).toBe('GESTATING');
});

test('no variable of the environment has a say in how the embedded PostgreSQL is reached', async () => {
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
  // Where it is, where one looks at it, and no password.
  const told = running.logs.map(({ msg }) => String(msg));
  expect(
    told.filter((line) => line.includes(`embedded PostgreSQL in ${fresh}, schema public`)),
  ).toHaveLength(1);
  // And where it listens.
  expect(told.filter((line) => line.includes(String(running.url)))).toHaveLength(1);
  expect(told.join('\n')).not.toMatch(/postgres(ql)?:\/\//);
});

test('a server tells once where its database is, and a variable that is one letter off', async () => {
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

test('a setting that cannot be used stops the start with one message for people', async () => {
  const refused = await start({ PORT: 'http' });
  expect(refused.url).toBeUndefined();
  expect(await refused.ended).toEqual({
    code: 1,
    complaint: 'PORT="http" is not allowed: expected a whole number from 0 to 65535\n',
  });
});

test.each([
  { what: 'database that there is not', alter: (url: URL) => (url.pathname = '/none_of_ours') },
  { what: 'name that nobody has', alter: (url: URL) => (url.username = 'nobody_of_ours') },
])('a $what is told in a sentence, without the password', async ({ alter }) => {
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

describe('a database that is not there yet', () => {
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

  test('is waited for, while those who ask are told so, and then all is as ever', async () => {
    // As the server itself has it, whatever comes after the path.
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

  test('holds up nobody who stops the server', async () => {
    starting.child.kill('SIGTERM');
    expect(await starting.ended).toEqual({ code: 0, complaint: '' });
  });
});

describe('a first attempt that takes longer than a moment', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    // So that there is something to migrate.
    database = await createTestDatabase(null);
    cleanUps.push(() => database.drop());
  });

  /** Starts, and waits until it listens; that it is told to be alive and not ready is all there is to see. */
  async function startSlowly(databaseUrl: string): Promise<StartingProcess> {
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    // No attempt fails for as long as the test may take.
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

  test('on a database that is silent, keeps nobody from hearing that we are alive', async () => {
    const proxy = await Proxy.to(database.url);
    cleanUps.push(() => proxy.stop());
    proxy.silence();
    const starting = await startSlowly(proxy.url);
    proxy.speak();
    const url = await starting.url;
    expect(await statusOf(`${String(url)}/readyz`)).toBe(200);
  });

  test('behind another instance’s migration, keeps nobody from hearing that we are alive', async () => {
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

describe('a port that is taken', () => {
  let port: string;

  beforeEach(async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    cleanUps.push(async () => occupant.close());
    // A listener on a port has an address with it.
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

  test('is told in a sentence, before a data directory is made', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'start-'));
    cleanUps.push(() => rm(parent, { recursive: true }));
    await expectRefusal({ DATA_DIR: join(parent, 'data') });
    expect(await readdir(parent)).toEqual([]);
  });

  test('is told in a sentence, before the database of DATABASE_URL is migrated', async () => {
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

/** @returns undefined where nobody listens */
async function statusOf(url: string): Promise<number | undefined> {
  const response = await fetch(url).catch(() => undefined);
  return response?.status;
}

/** Waits, by asking the database, until somebody waits for a lock. */
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
