/**
 * A server's wall clock is set while requests wait and sockets are open, as after the wake-up of a virtual machine. No
 * wait becomes shorter or longer.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import WebSocket from 'ws';
import { type Contents, contentsOf } from '../api/store';
import { type Answer, type TestDatabase, ask, createTestDatabase } from '../harness';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { codesOf } from './Scene';

const HOUR = 3_600_000;

const CONCEIVE = 'mutation ($id: ID) { outcome: conceive(id: $id) { __typename } }';
const BIRTH = 'mutation ($id: ID!) { outcome: birth(id: $id) { __typename } }';

let folder: string;
let database: TestDatabase;
let server: ServerProcess;
/** A session that holds every commit while its transaction is open. */
let holder: Client;
let observer: Client;
const bystander = uuidv7();
let before: Contents;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clock-'));
  database = await createTestDatabase();
  server = await startProcess({
    DATABASE_URL: database.url,
    REQUEST_TIMEOUT_MS: '8000',
    NODE_OPTIONS: `--require ${resolve('test/harness/settableClock.cjs')}`,
    CLOCK_FILE: join(folder, 'clock'),
  });
  holder = new Client({ connectionString: database.url });
  observer = new Client({ connectionString: database.url });
  await holder.connect();
  await observer.connect();
  await request(CONCEIVE, bystander);
  before = await contentsOf(observer);
});

afterEach(async () => {
  await setClock(0);
  const { lives, transitions } = await contentsOf(observer);
  expect(lives).toEqual(expect.arrayContaining([...before.lives]));
  expect(transitions).toEqual(expect.arrayContaining([...before.transitions]));
});

afterAll(async () => {
  await holder.end();
  await observer.end();
  await server.stop();
  await database.drop();
  await rm(folder, { recursive: true });
});

const request = async (document: string, id: string): Promise<Answer> =>
  ask(serverOf(server), document, { id });

async function setClock(offset: number): Promise<void> {
  const count = (): number => server.logs.filter(({ msg }) => msg === 'The clock was set').length;
  const sets = count();
  await writeFile(join(folder, 'clock'), String(offset));
  server.child.kill('SIGUSR2');
  await until(() => count() > sets);
}

/** Two births while every commit is held: one is in flight, and the other one waits in the server. */
async function twoBirths(): Promise<readonly [Promise<Answer>, Promise<Answer>]> {
  const [first, second] = [uuidv7(), uuidv7()];
  for (const id of [first, second]) await request(CONCEIVE, id);
  await holder.query('BEGIN');
  await holder.query('SELECT FROM ledger FOR UPDATE');
  const inFlight = request(BIRTH, first);
  await until(async () => {
    const { rowCount } = await observer.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  });
  const inQueue = request(BIRTH, second);
  await until(async () => {
    const metrics = await (await fetch(`${serverOf(server).url}/metrics`)).text();
    return /^lane_queue_length\{machine="Life",lane="swap"\} 1$/m.test(metrics);
  });
  return [inFlight, inQueue];
}

test('after its clock was set forward, the server refuses no waiting request early', async () => {
  const births = await twoBirths();
  await setClock(HOUR);
  await holder.query('ROLLBACK');
  for (const { data, errors } of await Promise.all(births)) {
    expect(errors).toBeUndefined();
    expect(data).toEqual({ outcome: { __typename: 'Alive' } });
  }
});

test('after its clock was set back, the server keeps no request beyond its deadline', async () => {
  const births = await twoBirths();
  await setClock(-HOUR);
  // Both get an answer while the lock is held. By the wall clock, their deadlines would be an hour later.
  for (const birth of births) expect(codesOf(await birth)).toEqual(['OVERLOADED']);
  await holder.query('ROLLBACK');
});

test('after its clock was set forward, the server closes no healthy socket', async () => {
  const { url } = serverOf(server);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await new Promise((opened) => socket.once('open', opened));
  const acknowledged = new Promise((heard) => socket.once('message', heard));
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await acknowledged;
  await setClock(HOUR);
  const next = await new Promise<string>((heard) => {
    socket.once('ping', () => {
      heard('ping');
    });
    socket.once('close', (code) => {
      heard(`close ${code}`);
    });
  });
  expect(next).toBe('ping');
  socket.close();
  // The server pings rarely.
}, 60_000);
