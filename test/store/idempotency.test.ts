/**
 * Asking twice is the same as asking once: by an idempotency key, or by the id of a conception, on whatever
 * instance, at whatever time, and whatever happened since.
 */
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { createDataSource } from '../../ormconfig';
import { Database } from 'persistent-machine/database/Database';
import { entitiesOf } from 'persistent-machine/integrity';
import { Life } from '../../src/entities';
import {
  Alive,
  Dead,
  IdempotencyKeyReused,
  IllegalTransition,
  NotFound,
  OccurredAtOutOfRange,
  type Phase,
  type Refusal,
  lives as lifecycle,
} from '../../src/machine';
import { Lanes } from 'persistent-machine/store/Lanes';
import { MachineStore } from 'persistent-machine/store/MachineStore';
import { tablesOf } from 'persistent-machine/operations/tables';
import { until } from '../faults/Scene';
import { watchAnswers } from '../faults/answers';
import {
  type Answer,
  type Contents,
  type LifeStore,
  type TestServer,
  type TestStore,
  ask,
  conceive,
  contentsOf,
  createStore,
  startServer,
} from '../harness';

/** Rows of lives that a test is not about, which must stay as they are. */
const rowsOf = ({ lives, transitions }: Contents, ids: readonly string[]): object[] => [
  ...lives.filter((life) => ids.includes(String(Reflect.get(life, 'id')))),
  ...transitions.filter((row) => ids.includes(String(Reflect.get(row, 'life_id')))),
];

describe('a store', () => {
  let store: TestStore;
  let session: Client;
  let bystander: string;
  let before: Contents;
  /** A life that has been conceived. */
  let id: string;

  beforeEach(async () => {
    store = await createStore();
    session = await store.connect();
    [bystander, id] = [uuidv7(), uuidv7()];
    for (const each of [bystander, id]) await conceive(store.lives, each);
    // It has used the same key.
    await transition('Birth', { id: bystander, idempotencyKey: 'key' });
    before = await contentsOf(session);
    expect(rowsOf(before, [bystander])).toHaveLength(3);
  });

  afterEach(async () => {
    expect(rowsOf(await contentsOf(session), [bystander])).toEqual(rowsOf(before, [bystander]));
    await store.close();
  });

  interface Asking {
    readonly id?: string;
    readonly idempotencyKey?: string;
    readonly occurredAt?: Date;
    readonly lives?: LifeStore;
  }

  async function transition(
    event: 'Birth' | 'Death',
    { id: whose = id, lives = store.lives, ...request }: Asking = {},
  ): Promise<Phase | Refusal> {
    return lives.transition(whose, event, {}, { ...request, actor: null });
  }

  /** Asks, and expects that it changes nothing. */
  async function inVain<Result>(asking: () => Promise<Result>): Promise<Result> {
    const contents = await contentsOf(session);
    const result = await asking();
    expect(await contentsOf(session)).toEqual(contents);
    return result;
  }

  /** Another instance on the same database, which is closed after the test of it. */
  async function withNeighbour(use: (lives: LifeStore) => Promise<void>): Promise<void> {
    const dataSource = createDataSource({ url: store.url, poolSize: 10, connectTimeout: 60_000 });
    await dataSource.initialize();
    const entities = entitiesOf(Life);
    try {
      await use(
        new MachineStore(
          new Database(dataSource, { preparedStatements: true, statementTimeout: 60_000 }),
          tablesOf(dataSource, entities),
          lifecycle,
          {
            now: () => new Date(),
            timeout: 20_000,
            lanes: new Lanes({ queueSize: 100 }),
            onBrokenLedger: (error) => {
              throw error;
            },
          },
        ),
      );
    } finally {
      await dataSource.destroy();
    }
  }

  const eventsOf = async (): Promise<string[]> => {
    const { nodes } = await store.reader.history(id, { from: 'start', size: 10 });
    return nodes.map(({ event }) => event);
  };

  test('answers the same key the original outcome, whatever happened since, on another instance, too', async () => {
    const alive = await transition('Birth', { idempotencyKey: 'key' });
    expect(alive).toBeInstanceOf(Alive);
    expect(await inVain(() => transition('Birth', { idempotencyKey: 'key' }))).toEqual(alive);

    const dead = await transition('Death', { idempotencyKey: 'another' });
    expect(dead).toBeInstanceOf(Dead);
    await withNeighbour(async (neighbour) => {
      for (const lives of [store.lives, neighbour]) {
        await inVain(async () => {
          const replayed = await transition('Birth', { idempotencyKey: 'key', lives });
          expect(replayed).toBeInstanceOf(Alive);
          expect(replayed).toEqual(alive);
          expect(await transition('Death', { idempotencyKey: 'another', lives })).toEqual(dead);
        });
      }
    });
    expect(await store.lives.find(id)).toEqual(dead);
  });

  test.each([2, 20])(
    'answers %i retries that race on two instances one outcome, and records it once',
    async (number) => {
      // Nobody can commit before all have begun.
      await session.query('BEGIN');
      await session.query('SELECT FROM ledger FOR UPDATE');
      await withNeighbour(async (neighbour) => {
        const racing = Promise.all(
          Array.from({ length: number }, async (_, index) =>
            transition('Birth', {
              idempotencyKey: 'key',
              lives: index % 2 === 0 ? store.lives : neighbour,
            }),
          ),
        );
        // The other one's is skipped.
        const answers = watchAnswers();
        await untilOneWaits();
        await until(() => answers.of('lives/swap').length > 0);
        answers.stop();
        await session.query('COMMIT');
        const outcomes = await racing;
        expect(outcomes[0]).toBeInstanceOf(Alive);
        expect(outcomes).toEqual(outcomes.map(() => outcomes[0]));
      });
      expect(await eventsOf()).toEqual(['Conception', 'Birth']);
    },
  );

  test('lets one of many different keys win, and leaves the others free', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
    const outcomes = await Promise.all(
      keys.map(async (idempotencyKey) => transition('Birth', { idempotencyKey })),
    );
    const winners = keys.filter((_, index) => outcomes[index] instanceof Alive);
    expect(winners).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome instanceof IllegalTransition)).toHaveLength(19);
    const [loser = ''] = keys.filter((key) => !winners.includes(key));
    expect(await transition('Death', { idempotencyKey: loser })).toBeInstanceOf(Dead);
  });

  test('refuses the key of another event, whatever the life would say to it', async () => {
    const alive = await transition('Birth', { idempotencyKey: 'key' });
    const refused = await inVain(() => transition('Death', { idempotencyKey: 'key' }));
    expect(refused).toEqual(new IdempotencyKeyReused('key'));
    await transition('Death');
    expect(await inVain(() => transition('Death', { idempotencyKey: 'key' }))).toEqual(refused);
    expect(await inVain(() => transition('Birth', { idempotencyKey: 'key' }))).toEqual(alive);
  });

  test('takes a retry for one that leaves occurredAt out or gives the recorded one, and no other', async () => {
    const occurredAt = new Date(Date.now() + 1_000);
    const alive = await transition('Birth', { idempotencyKey: 'key', occurredAt });
    expect(alive).toMatchObject({ state: { bornAt: occurredAt } });
    for (const request of [{}, { occurredAt }, { occurredAt: new Date(occurredAt) }]) {
      expect(
        await inVain(() => transition('Birth', { idempotencyKey: 'key', ...request })),
      ).toEqual(alive);
    }
    for (const milliseconds of [-1, 1, -1e12, 1e12]) {
      const other = new Date(occurredAt.getTime() + milliseconds);
      expect(
        await inVain(() => transition('Birth', { idempotencyKey: 'key', occurredAt: other })),
      ).toEqual(new IdempotencyKeyReused('key'));
    }
  });

  test('takes the moment that it chose itself for the recorded one', async () => {
    const alive = await transition('Birth', { idempotencyKey: 'key' });
    if (!(alive instanceof Alive)) throw new Error('It was not born.');
    const { bornAt } = alive.state;
    expect(
      await inVain(() => transition('Birth', { idempotencyKey: 'key', occurredAt: bornAt })),
    ).toEqual(alive);
    const other = new Date(bornAt.getTime() + 1);
    expect(
      await inVain(() => transition('Birth', { idempotencyKey: 'key', occurredAt: other })),
    ).toBeInstanceOf(IdempotencyKeyReused);
  });

  test('leaves the key of a refused attempt free', async () => {
    const tooEarly = await inVain(() =>
      transition('Birth', { idempotencyKey: 'key', occurredAt: new Date(0) }),
    );
    expect(tooEarly).toBeInstanceOf(OccurredAtOutOfRange);
    await transition('Birth');
    const illegal = await inVain(() => transition('Birth', { idempotencyKey: 'key' }));
    expect(illegal).toBeInstanceOf(IllegalTransition);
    const dead = await transition('Death', { idempotencyKey: 'key' });
    expect(dead).toBeInstanceOf(Dead);
    expect(await inVain(() => transition('Death', { idempotencyKey: 'key' }))).toEqual(dead);
  });

  test('knows a key for one life only, and none for a life that is not there', async () => {
    const stranger = uuidv7();
    expect(await transition('Death', { idempotencyKey: 'key' })).toBeInstanceOf(Dead);
    expect(
      await inVain(() => transition('Birth', { id: stranger, idempotencyKey: 'key' })),
    ).toEqual(new NotFound('Life', stranger));
  });

  test('takes a key that only looks like one of its own for what it is', async () => {
    for (const idempotencyKey of [
      `retry:2:${uuidv7()}`,
      'retry:999999999:00000000-0000-0000-0000-000000000000',
      'retry:2:',
      'retry:99999999999:00000000-0000-0000-0000-000000000000',
    ]) {
      const life = uuidv7();
      await conceive(store.lives, life);
      const alive = await transition('Birth', { id: life, idempotencyKey });
      expect(alive).toBeInstanceOf(Alive);
      expect(await inVain(() => transition('Birth', { id: life, idempotencyKey }))).toEqual(alive);
      expect(await inVain(() => transition('Death', { id: life, idempotencyKey }))).toEqual(
        new IdempotencyKeyReused(idempotencyKey),
      );
    }
  });

  test('answers many conceptions of one id, on two instances, how it began, and records it once', async () => {
    await withNeighbour(async (neighbour) => {
      id = uuidv7();
      const conceptions = async (): Promise<Phase[]> =>
        Promise.all(
          Array.from({ length: 20 }, async (_, index) =>
            conceive(index % 2 === 0 ? store.lives : neighbour, id),
          ),
        );
      const [gestating, ...others] = await conceptions();
      expect(gestating).toEqual(await store.lives.find(id));
      expect(new Set(others.map((other) => JSON.stringify(other)))).toEqual(
        new Set([JSON.stringify(gestating)]),
      );
      await transition('Birth');
      await transition('Death');
      for (const again of await inVain(conceptions)) expect(again).toEqual(gestating);
    });
    expect(await eventsOf()).toEqual(['Conception', 'Birth', 'Death']);
  });

  test('needs no statement more for a key than without one', async () => {
    const statements = async (asking: () => Promise<unknown>): Promise<unknown[]> => {
      const query = jest.spyOn(Client.prototype, 'query');
      await asking();
      const names = query.mock.calls.map(([statement]: readonly unknown[]) =>
        Reflect.get(Object(statement), 'name'),
      );
      query.mockRestore();
      return names;
    };
    const another = uuidv7();
    expect(await statements(() => conceive(store.lives, another))).toEqual(['lives/begin']);
    expect(await statements(() => transition('Birth'))).toEqual(['lives/find', 'lives/swap']);
    const request = { id: another, idempotencyKey: 'key' };
    expect(await statements(() => transition('Birth', request))).toEqual([
      'lives/find-with-key',
      'lives/swap',
    ]);
    expect(await statements(() => transition('Birth', request))).toEqual(['lives/find-with-key']);
    expect(await statements(() => transition('Birth'))).toEqual(['lives/find']);
    expect(await statements(() => conceive(store.lives, another))).toEqual([
      'lives/begin',
      'lives/find-version',
    ]);
  });

  /** Waits, by asking the database, until a session waits for a lock. */
  async function untilOneWaits(): Promise<void> {
    const observer = await store.connect();
    for (;;) {
      const { rows } = await observer.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (rows.length > 0) return;
    }
  }
});

describe('the API', () => {
  const OUTCOME =
    '__typename ... on Life { id version phase } ... on IdempotencyKeyReused { idempotencyKey }';
  const OUT_OF_RANGE = '9999-12-31T23:59:59Z';

  let servers: readonly [TestServer, TestServer];
  let session: Client;
  let bystander: string;
  let before: Contents;
  let id: string;

  beforeAll(async () => {
    const server = await startServer();
    const url = server.database?.url ?? '';
    servers = [server, await startServer({ DATABASE_URL: url })];
    session = new Client({ connectionString: url });
    await session.connect();
    bystander = await conceiveOverHttp();
    await mutate('birth', { id: bystander, idempotencyKey: 'key' });
    before = await contentsOf(session);
  });

  beforeEach(async () => {
    id = await conceiveOverHttp();
  });

  afterEach(async () => {
    expect(rowsOf(await contentsOf(session), [bystander])).toEqual(rowsOf(before, [bystander]));
  });

  afterAll(async () => {
    await session.end();
    for (const server of [...servers].reverse()) await server.stop();
  });

  async function conceiveOverHttp(): Promise<string> {
    const { data } = await ask(servers[0], 'mutation { conceive { id } }');
    return data.conceive.id;
  }

  async function mutate(
    field: 'birth' | 'die',
    variables: Record<string, unknown>,
    server: TestServer = servers[0],
  ): Promise<Answer> {
    return ask(
      server,
      `mutation ($id: ID!, $idempotencyKey: String, $occurredAt: DateTime) {
        outcome: ${field}(id: $id, idempotencyKey: $idempotencyKey, occurredAt: $occurredAt) { ${OUTCOME} }
      }`,
      { id, ...variables },
    );
  }

  const alive = (): object => ({
    outcome: { __typename: 'Alive', id, version: 2, phase: 'ALIVE' },
  });

  test('answers a birth that is replayed after the death, on another server, Alive at version 2', async () => {
    expect((await mutate('birth', { idempotencyKey: 'key' })).data).toEqual(alive());
    expect((await mutate('die', {})).data.outcome).toMatchObject({
      __typename: 'Dead',
      version: 3,
    });
    for (const server of servers) {
      const { data, errors } = await mutate('birth', { idempotencyKey: 'key' }, server);
      expect(errors).toBeUndefined();
      expect(data).toEqual(alive());
    }
  });

  test('answers a conception that is repeated after the death, on another server, how it began', async () => {
    await mutate('die', {});
    const conception = 'mutation ($id: ID) { conceive(id: $id) { id version phase } }';
    for (const [index, server] of servers.entries()) {
      const { data } = await ask(server, conception, { id: index === 0 ? id : id.toUpperCase() });
      expect(data).toEqual({ conceive: { id, version: 1, phase: 'GESTATING' } });
    }
  });

  test('takes an occurredAt that differs by less than a millisecond, or in its offset only, for the same', async () => {
    const recorded = new Date().toISOString();
    await mutate('birth', { idempotencyKey: 'key', occurredAt: recorded });
    const offset = new Date(Date.parse(recorded) + 3_600_000).toISOString().replace('Z', '+01:00');
    for (const occurredAt of [recorded, recorded.replace('Z', '999Z'), offset, null]) {
      expect((await mutate('birth', { idempotencyKey: 'key', occurredAt })).data).toEqual(alive());
    }
  });

  const longest = 'x'.repeat(255);
  test.each([
    ['one character', 'x'],
    ['a space', ' '],
    ['255 characters', longest],
    ['255 characters beyond the first plane', '👶'.repeat(255)],
    ['quotes, braces and a backslash', `"'{}\\,NULL`],
    ['another script', 'ключ 鍵 مفتاح'],
  ])('takes a key that is %s, and tells it from others', async (_what, idempotencyKey) => {
    expect((await mutate('birth', { idempotencyKey })).data).toEqual(alive());
    expect((await mutate('birth', { idempotencyKey })).data).toEqual(alive());
    expect((await mutate('die', { idempotencyKey })).data).toEqual({
      outcome: { __typename: 'IdempotencyKeyReused', idempotencyKey },
    });
    const other = `${idempotencyKey.slice(0, -2)}y`;
    expect((await mutate('die', { idempotencyKey: other })).data.outcome.__typename).toBe('Dead');
  });

  test.each([
    ['empty', ''],
    ['256 characters', `${longest}x`],
    ['256 characters beyond the first plane', '👶'.repeat(256)],
    ['a line break', 'a\nb'],
    ['a tab', '\t'],
    ['a NUL', 'a\0'],
    ['DEL', '\x7f'],
    ['a control character of the second kind', '\x85'],
    ['half a character', '\ud83d'],
    ['a character that nobody sees', '\u200b'],
  ])('takes no key that is %s', async (_what, idempotencyKey) => {
    const { data, errors } = await mutate('birth', { idempotencyKey });
    expect(data).toEqual({ outcome: null });
    expect(errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'idempotencyKey' }] } },
    ]);
    expect((await mutate('birth', {})).data).toEqual(alive());
  });

  describe('tells first', () => {
    const kindOf = ({ data, errors }: Answer): unknown =>
      errors?.[0]?.extensions['code'] ?? data.outcome.__typename;

    test('of bad input, then of a life that is not there', async () => {
      const nobody = { id: uuidv7() };
      expect(kindOf(await mutate('birth', { ...nobody, idempotencyKey: '' }))).toBe(
        'BAD_USER_INPUT',
      );
      for (const idempotencyKey of ['key', null]) {
        const request = { ...nobody, idempotencyKey, occurredAt: OUT_OF_RANGE };
        expect(kindOf(await mutate('birth', request))).toBe('LifeNotFound');
      }
    });

    test('what a key was used for, then of the transition that is illegal', async () => {
      await mutate('birth', { idempotencyKey: 'key' });
      await mutate('die', {});
      expect(kindOf(await mutate('birth', { idempotencyKey: 'key' }))).toBe('Alive');
      expect(kindOf(await mutate('die', { idempotencyKey: 'key' }))).toBe('IdempotencyKeyReused');
      expect(kindOf(await mutate('die', { idempotencyKey: 'other' }))).toBe('IllegalTransition');
    });

    test('what a key was used for, then of the time that is out of range', async () => {
      await mutate('birth', { idempotencyKey: 'key' });
      const occurredAt = OUT_OF_RANGE;
      for (const field of ['birth', 'die'] as const) {
        expect(kindOf(await mutate(field, { idempotencyKey: 'key', occurredAt }))).toBe(
          'IdempotencyKeyReused',
        );
      }
      expect(kindOf(await mutate('die', { idempotencyKey: 'other', occurredAt }))).toBe(
        'OccurredAtOutOfRange',
      );
    });

    test('of the transition that is illegal, then of the time that is out of range', async () => {
      await mutate('birth', {});
      expect(kindOf(await mutate('birth', { occurredAt: OUT_OF_RANGE }))).toBe('IllegalTransition');
    });
  });
});
