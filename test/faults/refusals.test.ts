/**
 * Every error that PostgreSQL itself reports, caused for real: which ones the server retries with success, which ones
 * it reports at once, and that a reported failure has changed nothing.
 */
import { Client } from 'pg';
import { RefusedData } from 'persistent-machine/database/failures';
import { Alive } from '../../src/machine';
import { type TestStore, conceive, contentsOf, createStore } from '../api/store';
import { type TestServer, administrate, ask, startServer } from '../harness';
import { idsTogether, lockLedger } from '../harness/partition';
import { subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { Scene, codesOf, outagesOf } from './Scene';
import { type Answers, watchAnswers } from '../../packages/persistent-machine/test/harness/answers';

const CONCEIVE = 'mutation { outcome: conceive { __typename } }';

let answers: Answers;
let scene: Scene;

beforeEach(() => {
  answers = watchAnswers();
});

afterEach(() => {
  answers.stop();
});

/** One scene for all tests of a block. */
function play(environment: Readonly<Record<string, string>>): void {
  beforeAll(async () => {
    scene = await Scene.open(environment);
  });

  afterEach(async () => {
    await scene.check();
  });

  afterAll(async () => {
    await scene.close();
  });
}

const birthOf = (id: string): object => ({ outcome: { __typename: 'Alive', id, version: 2 } });

const eventsOf = async (id: string): Promise<string[]> =>
  (await scene.history(id)).map(({ event }) => event);

/** Waits until a statement has failed with a code this many times. */
const untilAnswered = async (statement: string, code: string, times = 1): Promise<void> =>
  until(() => answers.of(statement).filter((answer) => answer === code).length >= times);

describe('the server retries within the deadline after', () => {
  // Without notifications, whose statements would use a second session.
  play({ REQUEST_TIMEOUT_MS: '20000', LISTEN: 'off' });

  // A trigger raises the code, because the server's own settings prevent the real cause.
  test.each([
    ['40001', 'a serialization failure'],
    ['55P03', 'a lock that was not available in time'],
  ])('%s, %s', async (code) => {
    const [id, bystander] = [await scene.conceive(), await scene.conceive()];
    await scene.owner.query(`
      CREATE FUNCTION not_now() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION 'not now' USING ERRCODE = '${code}';
        END $$;
      CREATE TRIGGER not_now BEFORE UPDATE ON ledger EXECUTE FUNCTION not_now()`);
    const birth = scene.mutate('birth', { id });
    await untilAnswered('lives/swap', code, 2);
    await scene.owner.query('DROP FUNCTION not_now CASCADE');
    expect((await birth).data).toEqual(birthOf(id));
    expect(answers.of('lives/swap').at(-1)).toBe('ok');
    expect(await eventsOf(bystander)).toEqual(['Conception']);
  });

  test('40P01, a deadlock', async () => {
    const id = await scene.conceive();
    const lock = 'SELECT FROM lives WHERE id = $1 FOR UPDATE';
    // PostgreSQL cancels the session that detects the deadlock. The rival would detect it only after an hour.
    await scene.alter("SET deadlock_timeout = '1h'");
    const rival = await scene.connect();
    await scene.set('deadlock_timeout', "'3s'");
    // In the opposite order of the server's locks.
    await rival.query('BEGIN');
    await lockLedger(rival);
    const birth = scene.mutate('birth', { id });
    await scene.untilWaiting();
    const locked = rival.query(lock, [id]);
    await untilAnswered('lives/swap', '40P01');
    await locked;
    await rival.end();
    expect((await birth).data).toEqual(birthOf(id));
    expect(answers.of('lives/swap').at(-1)).toBe('ok');
  });

  test('57014, a statement that is cancelled', async () => {
    const id = await scene.conceive();
    const letGo = await scene.holdCommits();
    const birth = scene.mutate('birth', { id });
    for (const times of [1, 2]) {
      await scene.untilWaiting();
      const [waiting] = (await scene.sessions()).filter(({ waits }) => waits);
      await scene.owner.query('SELECT pg_cancel_backend($1)', [waiting?.pid]);
      await untilAnswered('lives/swap', '57014', times);
    }
    await letGo();
    expect((await birth).data).toEqual(birthOf(id));
    expect(answers.of('lives/swap')).toEqual(['57014', '57014', 'ok']);
  });

  test('0A000, a plan that no longer fits', async () => {
    const id = await scene.conceive();
    const find = async (): Promise<unknown> =>
      scene.dataOf('query ($id: ID!) { life(id: $id) { version updatedAt } }', { id });
    const before = await find();
    for (const precision of [6, 3]) {
      await scene.owner.query(
        `ALTER TABLE lives ALTER COLUMN updated_at TYPE timestamptz(${precision})`,
      );
      expect(await find()).toEqual(before);
    }
    expect(answers.of('lives/find')).toEqual(['ok', '0A000', 'ok', '0A000', 'ok']);
  });

  test('26000, a prepared statement that the session no longer has', async () => {
    const [id, other] = [await scene.conceive(), await scene.conceive()];
    await scene.mutate('birth', { id: other });
    for (const session of answers.sessions) await session.query('DEALLOCATE "lives/swap"');
    expect((await scene.mutate('birth', { id })).data).toEqual(birthOf(id));
    expect(answers.of('lives/swap')).toEqual(['ok', '26000', 'ok']);
  });

  test('57P01, a session that is ended while its commit is held', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => scene.conceive()));
    const letGo = await scene.holdCommits();
    const births = ids.map(async (id) => scene.mutate('birth', { id }));
    for (const times of [1, 2]) {
      await scene.untilWaiting();
      await scene.endSessions({ waiting: true });
      await untilAnswered('lives/swap', '57P01', times);
    }
    await letGo();
    expect((await Promise.all(births)).map(({ data }) => data)).toEqual(ids.map(birthOf));
    for (const id of ids) expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
  });

  test('23505 on the key’s index: another client has used the key for another event meanwhile, and the answer says so', async () => {
    const [id, other] = [await scene.conceive(), await scene.conceive()];
    // Only the owner of the tables can cause this, by rewriting the history.
    await scene.owner.query(
      'ALTER TABLE life_transitions DISABLE TRIGGER life_transitions_are_append_only',
    );
    const letGo = await scene.holdCommits();
    const births = Promise.all([
      scene.mutate('birth', { id, idempotencyKey: 'tampered' }),
      scene.mutate('birth', { id: other, idempotencyKey: 'tampered' }),
    ]);
    await scene.untilWaiting();
    await scene.owner.query(
      `UPDATE life_transitions SET idempotency_key = 'tampered' WHERE life_id = $1`,
      [id],
    );
    await letGo();
    const [tampered, untouched] = await births;
    await scene.owner.query(
      'ALTER TABLE life_transitions ENABLE TRIGGER life_transitions_are_append_only',
    );
    expect(tampered.data.outcome.__typename).toBe('IdempotencyKeyReused');
    expect(untouched.data).toEqual(birthOf(other));
    expect(answers.of('lives/swap')).toContain('23505');
    expect(await eventsOf(id)).toEqual(['Conception']);
  });
});

/** A request that passes admission but is not valid. */
const knock = async (): Promise<Response> =>
  fetch(`${scene.server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: 'not even JSON',
  });

async function expectRefused(code: string): Promise<void> {
  const refused = await knock();
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toEqual({
    errors: [expect.objectContaining({ extensions: expect.objectContaining({ code }) })],
  });
}

describe('a database that is down', () => {
  play({ REQUEST_TIMEOUT_MS: '1000' });

  test.each([
    [
      'refuses',
      () => {
        scene.network.refuse();
      },
      async () => scene.network.accept(),
    ],
    [
      'is silent',
      () => {
        scene.network.silence();
      },
      async () => {
        scene.network.speak();
      },
    ],
  ])(
    'that %s delays the first request, then admission refuses all, until the database is back',
    async (_how, goAway, comeBack) => {
      const id = await scene.conceive();
      goAway();
      expect(await ask(scene.server, '{ census { total } }')).toMatchObject({
        data: null,
        errors: [{ path: ['census'], extensions: { code: 'DATABASE_UNAVAILABLE' } }],
      });
      await until(async () => (await knock()).status === 503);
      await expectRefused('DATABASE_UNAVAILABLE');
      expect((await fetch(`${scene.server.url}/readyz`)).status).toBe(200);
      await comeBack();
      expect((await scene.mutate('birth', { id })).data).toEqual(birthOf(id));
      expect((await knock()).status).toBe(400);
    },
  );
});

describe('a full queue', () => {
  play({ MAX_QUEUE: '2' });

  test('makes admission refuse requests before the server reads them, and only while it is full', async () => {
    const ids = idsTogether(3);
    for (const id of ids) await scene.conceive(id);
    const letGo = await scene.holdCommits();
    const [first = '', ...others] = ids;
    const sent = scene.mutate('birth', { id: first });
    await scene.untilWaiting();
    const waiting = others.map(async (id) => scene.mutate('birth', { id }));
    await until(async () => (await knock()).status === 503);
    await expectRefused('OVERLOADED');
    await letGo();
    const births = await Promise.all([sent, ...waiting]);
    expect(births.map(({ data }) => data)).toEqual(ids.map(birthOf));
    expect((await knock()).status).toBe(400);
  });

  test('has room for a subscriber, whatever its cursor says', async () => {
    while ((await scene.lowestPosition()) < 1) await scene.conceive();
    const { census } = await scene.dataOf('{ census { cursor } }');
    const follow = 'subscription ($after: String) { transitions(after: $after) { lifeId } }';
    const subscriber = subscribe(scene.server, 'WebSocket', follow, { after: census.cursor });
    const id = await scene.conceive();
    await subscriber.untilReceived(1);
    await subscriber.stop();
    expect(subscriber.results).toEqual([{ data: { transitions: { lifeId: id } } }]);
  });
});

describe('at the deadline the caller is told the outcome:', () => {
  play({ REQUEST_TIMEOUT_MS: '1000', DATABASE_POOL_SIZE: '2' });

  test('nothing was changed, if a lock blocked the statement', async () => {
    const id = await scene.conceive();
    const before = await scene.transitions();
    const letGo = await scene.holdCommits();
    const refused = await Promise.all([scene.mutate('birth', { id }), ask(scene.server, CONCEIVE)]);
    await letGo();
    expect(refused.map(codesOf)).toEqual([['OVERLOADED'], ['OVERLOADED']]);
    expect(answers.of('lives/swap')).not.toContain('ok');
    expect((await scene.mutate('birth', { id })).data).toEqual(birthOf(id));
    expect(await scene.transitions()).toBe(before + 1);
  });

  test('it is unknown, if the session ended while its commit was held, and a retry gets it', async () => {
    const id = await scene.conceive();
    const before = await scene.transitions();
    const letGo = await scene.holdCommits();
    const birth = scene.mutate('birth', { id });
    await scene.untilWaiting();
    await scene.endSessions({ waiting: true });
    const { errors } = await birth;
    await letGo();
    expect(errors).toMatchObject([{ extensions: { code: 'OUTCOME_UNKNOWN' } }]);
    const idempotencyKey = errors?.[0]?.extensions['idempotencyKey'];
    for (let again = 0; again < 2; again += 1) {
      const { data } = await scene.mutate('birth', { id, idempotencyKey });
      expect(data).toEqual(birthOf(id));
    }
    expect(await scene.transitions()).toBe(before + 1);
  });

  test('a held commit leaves no more sessions behind than the pool has', async () => {
    const ids = [await scene.conceive(), await scene.conceive(), await scene.conceive()];
    const letGo = await scene.holdCommits();
    for (const id of ids) {
      const { errors } = await scene.mutate('birth', { id });
      expect(errors).toHaveLength(1);
    }
    const patience = Date.now() + 3_000;
    await until(async () => (await scene.sessions()).length <= 2 || Date.now() > patience);
    expect((await scene.sessions()).length).toBeLessThanOrEqual(2);
    await letGo();
  });
});

describe('53300, too many connections,', () => {
  /**
   * A role of this test alone, so that its limit affects no other test. It is no superuser, because no limit applies to
   * superusers.
   */
  const role = `guest_${process.pid}`;
  let server: TestServer;
  let url: URL;

  play({});

  beforeAll(async () => {
    await administrate(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`);
    await scene.owner.query(
      `GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ${role}`,
    );
  });

  afterEach(async () => {
    await limit(-1);
    await server.stop();
  });

  // The role's rights are gone with the database by then.
  afterAll(async () => {
    await administrate(`DROP ROLE ${role}`);
  });

  /** Starts a server that connects as this role. */
  async function start(timeout: string): Promise<void> {
    url = new URL(scene.database.url);
    url.username = role;
    url.password = role;
    const environment = { DATABASE_URL: url.href, MIGRATIONS: 'off', REQUEST_TIMEOUT_MS: timeout };
    server = await startServer(environment);
  }

  /** Sets how many connections the role may have; -1: any number. */
  const limit = async (connections: number): Promise<void> =>
    administrate(`ALTER ROLE ${role} CONNECTION LIMIT ${connections}`);

  async function refuseConnections(): Promise<void> {
    await limit(0);
    await administrate(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '${role}'`,
    );
    const another = new Client({ connectionString: url.href });
    await expect(another.connect()).rejects.toMatchObject({ code: '53300' });
  }

  test('are retried within the deadline', async () => {
    const id = await scene.conceive();
    await start('20000');
    await refuseConnections();
    const birth = scene.mutate('birth', { id }, server);
    await until(() => outagesOf(server).at(-1) === 'lost');
    await limit(-1);
    expect((await birth).data).toEqual(birthOf(id));
  });

  test('are reported at the deadline, and nothing was changed', async () => {
    const id = await scene.conceive();
    await start('1000');
    await refuseConnections();
    expect(codesOf(await scene.mutate('birth', { id }, server))).toEqual(['DATABASE_UNAVAILABLE']);
    expect(await eventsOf(id)).toEqual(['Conception']);
    await limit(-1);
    expect((await scene.mutate('birth', { id }, server)).data).toEqual(birthOf(id));
  });
});

describe('the caller is told at once that nothing was changed, after', () => {
  play({ REQUEST_TIMEOUT_MS: '20000' });

  const everyChange = async (id: string): Promise<void> => {
    const before = await scene.transitions();
    const told = await Promise.all([
      scene.mutate('birth', { id }),
      scene.mutate('die', { id, idempotencyKey: 'a key' }),
      ask(scene.server, CONCEIVE),
    ]);
    expect(told.map(codesOf)).toEqual(told.map(() => ['DATABASE_UNAVAILABLE']));
    expect(await scene.transitions()).toBe(before);
    expect(await scene.dataOf('query ($id: ID!) { life(id: $id) { version } }', { id })).toEqual({
      life: { version: 1 },
    });
  };

  test('25006, a database that is read-only', async () => {
    const id = await scene.conceive();
    await scene.set('default_transaction_read_only', 'on');
    await everyChange(id);
    for (const answer of answers.of('lives/swap')) expect(answer).toBe('25006');
    expect(answers.of('lives/swap').length).toBeLessThanOrEqual(2);
  });

  // A test cannot cause either of these on a shared machine, so a trigger raises the code.
  test.each([
    { code: '53100', what: 'a full disk' },
    { code: '53200', what: 'no memory left' },
  ])('$code, $what', async ({ code }) => {
    const id = await scene.conceive();
    await scene.owner.query(`
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'it is full' USING ERRCODE = '${code}'; END $$;
      CREATE TRIGGER fails BEFORE INSERT ON life_transitions EXECUTE FUNCTION fail()`);
    await everyChange(id);
    expect(new Set(answers.of('lives/swap'))).toEqual(new Set([code]));
    expect(answers.of('lives/swap').length).toBeLessThanOrEqual(2);
    await scene.owner.query('DROP FUNCTION fail CASCADE');
    expect((await scene.mutate('birth', { id, idempotencyKey: 'a key' })).data).toEqual(
      birthOf(id),
    );
  });
});

describe('data that PostgreSQL refuses', () => {
  const GROUP = 12;
  const CULPRIT = 5;

  let store: TestStore;

  beforeEach(async () => {
    store = await createStore();
  });

  afterEach(async () => {
    await store.close();
  });

  test.each([
    { code: '23514', what: 'by a constraint', actor: 'unwelcome' },
    { code: '22021', what: 'as no text', actor: 'nul \0 byte' },
    { code: '23000', what: 'only at the commit', actor: 'unwelcome in the end' },
  ])('$what ($code) affect no other request of their group', async ({ code, actor }) => {
    const session = await store.connect();
    await session.query(`
      ALTER TABLE life_transitions ADD CHECK (actor IS DISTINCT FROM 'unwelcome');
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'no' USING ERRCODE = 'integrity_constraint_violation';
      END $$;
      CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON life_transitions
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (new.actor = 'unwelcome in the end') EXECUTE FUNCTION refuse()`);
    const [bystander = '', ...ids] = idsTogether(1 + GROUP);
    for (const id of [bystander, ...ids]) await conceive(store.lives, id);
    const { lives: before } = await contentsOf(session);

    const outcomes = await Promise.allSettled(
      ids.map(async (id, index) =>
        store.lives.transition(
          id,
          'Birth',
          {},
          {
            actor: index === CULPRIT ? actor : 'welcome',
          },
        ),
      ),
    );
    const swaps = answers.of('lives/swap');
    // All of them together, and then each by itself.
    expect(swaps).toHaveLength(1 + GROUP);
    expect(swaps[0]).toBe(code);
    expect(swaps.slice(1).filter((answer) => answer === code)).toHaveLength(1);
    for (const [index, outcome] of outcomes.entries()) {
      if (index === CULPRIT) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(RefusedData) });
      } else {
        expect(outcome).toMatchObject({ status: 'fulfilled', value: expect.any(Alive) });
      }
    }
    const after = await contentsOf(session);
    const unchanged = [bystander, ids[CULPRIT]];
    const rowsOf = (rows: readonly object[]): object[] =>
      rows.filter((row) => unchanged.includes(String(Reflect.get(row, 'id'))));
    expect(rowsOf(after.lives)).toEqual(rowsOf(before));
    expect(rowsOf(before)).toHaveLength(2);
  });
});

describe('data that PostgreSQL refuses over HTTP', () => {
  play({});

  test('are masked for the caller, and logged with the cause', async () => {
    await scene.owner.query(
      `ALTER TABLE life_transitions ADD CHECK (idempotency_key IS DISTINCT FROM 'unwelcome')`,
    );
    const [one = '', other = ''] = await scene.conceiveTogether(2);
    const [refused, applied] = await Promise.all([
      scene.mutate('birth', { id: one, idempotencyKey: 'unwelcome' }),
      scene.mutate('birth', { id: other, idempotencyKey: 'welcome' }),
    ]);
    expect(codesOf(refused)).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(applied.data).toEqual(birthOf(other));
    expect(await eventsOf(one)).toEqual(['Conception']);
    const errors = scene.server.logs.filter(({ level }) => Number(level) >= 50);
    expect(errors).toHaveLength(1);
    expect(JSON.stringify(errors)).toContain('life_transitions_idempotency_key_check');
    // Nor does the log contain the request's data, although PostgreSQL's details have the whole row.
    expect(JSON.stringify(errors)).not.toContain('unwelcome');
  });
});
