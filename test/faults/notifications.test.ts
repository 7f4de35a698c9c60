/**
 * Notifications are only hints. A change succeeds even if PostgreSQL's queue of notifications is full, and an instance
 * that does not read its notifications delays no other.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from 'persistent-machine/database/embedded';
import { contentsOf } from '../api/store';
import { type TestServer, ask, startServer } from '../harness';
import { subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { until } from '../../packages/persistent-machine/test/harness/until';

const ERROR = 50;
const CONCEIVE = 'mutation { conceive { id } }';
const BIRTH = 'mutation ($id: ID!) { birth(id: $id) { __typename } }';

describe('while PostgreSQL’s queue of notifications is full,', () => {
  let directory: string;
  let postgres: EmbeddedPostgres;
  let servers: TestServer[];
  const sessions: Client[] = [];

  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    sessions.push(client);
    return client;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'test-notifications-'));
    postgres = await startEmbeddedPostgres({
      directory,
      log: () => undefined,
      settings: { max_notify_queue_pages: '64' },
    });
    servers = [];
    for (const LISTEN of ['on', 'off']) {
      servers.push(await startServer({ DATABASE_URL: postgres.url, LISTEN }));
    }
  });

  afterAll(async () => {
    for (const server of servers) await server.stop();
    for (const session of sessions) await session.end();
    await postgres.stop();
    await rm(directory, { recursive: true });
  });

  test('changes succeed, subscribers get them, and the server logs the problem once', async () => {
    const [listening, silent] = servers as [TestServer, TestServer];
    const bystander = (await ask(listening, CONCEIVE)).data.conceive.id as string;
    const sleeper = await connect();
    await sleeper.query('LISTEN anything');
    await sleeper.query('BEGIN');
    await sleeper.query('SELECT');
    const filler = await connect();
    const fill = async (): Promise<unknown> => {
      for (;;) {
        const refused: unknown = await filler
          .query(`SELECT pg_notify('anything', repeat('x', 7900))`)
          .then(() => undefined)
          .catch((error: unknown) => error);
        if (refused !== undefined) return refused;
      }
    };
    expect(await fill()).toMatchObject({ code: '54000' });

    const subscriber = subscribe(
      silent,
      'WebSocket',
      'subscription { transitions { lifeId event } }',
    );
    await until(async () => {
      await ask(silent, CONCEIVE);
      return subscriber.results.length > 0;
    });
    const ids: string[] = [];
    for (const server of [...servers, ...servers, ...servers]) {
      const { data, errors } = await ask(server, CONCEIVE);
      expect(errors).toBeUndefined();
      ids.push(data.conceive.id as string);
    }
    for (const [index, id] of ids.entries()) {
      const server = servers[index % 2] ?? listening;
      const { data, errors } = await ask(server, BIRTH, { id });
      expect(errors).toBeUndefined();
      expect(data).toEqual({ birth: { __typename: 'Alive' } });
    }
    await until(() =>
      ids.every((id) =>
        subscriber.results.some(
          ({ data }) => data.transitions.lifeId === id && data.transitions.event === 'BIRTH',
        ),
      ),
    );
    await subscriber.stop();
    const complaints = servers.map(({ logs }) => logs.filter(({ level }) => level === ERROR));
    expect(complaints).toMatchObject([
      [{ msg: 'Other instances cannot be notified: they poll for transitions' }],
      [],
    ]);
    const { lives } = await contentsOf(filler);
    expect(lives).toMatchObject([{ id: bystander, version: 1 }, ...lives.slice(1).map(() => ({}))]);
  });
});
