/**
 * Tests the idempotency keys of clients, over HTTP and on two servers: which keys are accepted, what a retry gets, and
 * which refusal comes first.
 */
import { Client } from 'pg';
import { type Answer, ask } from '../harness/graphql';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';
import { type RunningServer, startServer } from '../harness/server';
import { newId } from '../store/KeptMachines';
import { served } from './served';

const OUTCOME =
  '__typename ... on Door { id version phase } ... on IdempotencyKeyReused { idempotencyKey }';
const OUT_OF_RANGE = '9999-12-31T23:59:59Z';

let database: TestDatabase;
let servers: readonly [RunningServer, RunningServer];
let session: Client;
/** A door that no test names. It has used the same key as the others. */
let bystander: string;
let before: readonly object[];
let id: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const environment = { DATABASE_URL: database.url };
  servers = [await startServer(served, environment), await startServer(served, environment)];
  session = new Client({ connectionString: database.url });
  await session.connect();
  bystander = await hang();
  await mutate('open', { id: bystander, idempotencyKey: 'key' });
  before = await rowsOf(bystander);
  expect(before).toHaveLength(2);
});

beforeEach(async () => {
  id = await hang();
});

afterEach(async () => {
  expect(await rowsOf(bystander)).toEqual(before);
});

afterAll(async () => {
  await session.end();
  for (const server of servers) await server.stop();
  await database.drop();
});

async function rowsOf(door: string): Promise<object[]> {
  const { rows } = await session.query<object>(
    `SELECT doors.updated_at, history.* FROM doors JOIN door_transitions AS history ON door_id = id
     WHERE id = $1 ORDER BY history.version`,
    [door],
  );
  return rows;
}

async function hang(): Promise<string> {
  const { data } = await ask(servers[0], 'mutation { hang { id } }');
  return data.hang.id as string;
}

async function mutate(
  field: 'open' | 'shut',
  variables: Record<string, unknown>,
  server: RunningServer = servers[0],
): Promise<Answer> {
  return ask(
    server,
    `mutation ($id: ID!, $idempotencyKey: String, $occurredAt: DateTime) {
      outcome: ${field}(id: $id, idempotencyKey: $idempotencyKey, occurredAt: $occurredAt) { ${OUTCOME} }
    }`,
    { id, ...variables },
  );
}

const opened = (): object => ({ outcome: { __typename: 'Open', id, version: 2, phase: 'OPEN' } });

test('an opening that is repeated after a shutting gets its first answer, on another server, too', async () => {
  expect((await mutate('open', { idempotencyKey: 'key' })).data).toEqual(opened());
  expect((await mutate('shut', {})).data.outcome).toMatchObject({ __typename: 'Shut', version: 3 });
  for (const server of servers) {
    const { data, errors } = await mutate('open', { idempotencyKey: 'key' }, server);
    expect(errors).toBeUndefined();
    expect(data).toEqual(opened());
  }
});

test('a beginning that is repeated after an opening gets its first answer, on another server, too', async () => {
  await mutate('open', {});
  const beginning = 'mutation ($id: ID) { hang(id: $id) { id version phase } }';
  for (const [index, server] of servers.entries()) {
    const { data } = await ask(server, beginning, { id: index === 0 ? id : id.toUpperCase() });
    expect(data).toEqual({ hang: { id, version: 1, phase: 'SHUT' } });
  }
});

test('an occurredAt that differs by less than a millisecond, or only in its offset, counts as the same', async () => {
  const recorded = new Date().toISOString();
  await mutate('open', { idempotencyKey: 'key', occurredAt: recorded });
  const offset = new Date(Date.parse(recorded) + 3_600_000).toISOString().replace('Z', '+01:00');
  for (const occurredAt of [recorded, recorded.replace('Z', '999Z'), offset, null]) {
    expect((await mutate('open', { idempotencyKey: 'key', occurredAt })).data).toEqual(opened());
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
])('a key of %s is accepted, and differs from a similar one', async (_what, idempotencyKey) => {
  expect((await mutate('open', { idempotencyKey })).data).toEqual(opened());
  expect((await mutate('open', { idempotencyKey })).data).toEqual(opened());
  expect((await mutate('shut', { idempotencyKey })).data).toEqual({
    outcome: { __typename: 'IdempotencyKeyReused', idempotencyKey },
  });
  const other = `${idempotencyKey.slice(0, -2)}y`;
  expect((await mutate('shut', { idempotencyKey: other })).data.outcome.__typename).toBe('Shut');
});

test.each([
  ['nothing', ''],
  ['256 characters', `${longest}x`],
  ['256 characters beyond the first plane', '👶'.repeat(256)],
  ['a line break', 'a\nb'],
  ['a tab', '\t'],
  ['a NUL', 'a\0'],
  ['DEL', '\x7f'],
  ['a C1 control character', '\x85'],
  ['half a character', '\ud83d'],
  ['an invisible character', '\u200b'],
])('a key of %s is refused', async (_what, idempotencyKey) => {
  const { data, errors } = await mutate('open', { idempotencyKey });
  expect(data).toEqual({ outcome: null });
  expect(errors).toMatchObject([
    { extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'idempotencyKey' }] } },
  ]);
  expect((await mutate('open', {})).data).toEqual(opened());
});

describe('a client first learns', () => {
  const kindOf = ({ data, errors }: Answer): unknown =>
    errors?.[0]?.extensions['code'] ?? data.outcome.__typename;

  test('of its bad input, then that there is no such door', async () => {
    const stranger = { id: newId() };
    expect(kindOf(await mutate('open', { ...stranger, idempotencyKey: '' }))).toBe(
      'BAD_USER_INPUT',
    );
    for (const idempotencyKey of ['key', null]) {
      const request = { ...stranger, idempotencyKey, occurredAt: OUT_OF_RANGE };
      expect(kindOf(await mutate('open', request))).toBe('DoorNotFound');
    }
  });

  test('that its key was used before, then that the transition is illegal', async () => {
    await mutate('open', { idempotencyKey: 'key' });
    await mutate('shut', {});
    expect(kindOf(await mutate('open', { idempotencyKey: 'key' }))).toBe('Open');
    expect(kindOf(await mutate('shut', { idempotencyKey: 'key' }))).toBe('IdempotencyKeyReused');
    expect(kindOf(await mutate('shut', { idempotencyKey: 'other' }))).toBe('IllegalTransition');
  });

  test('that its key was used before, then that the time is out of range', async () => {
    await mutate('open', { idempotencyKey: 'key' });
    const occurredAt = OUT_OF_RANGE;
    for (const field of ['open', 'shut'] as const) {
      expect(kindOf(await mutate(field, { idempotencyKey: 'key', occurredAt }))).toBe(
        'IdempotencyKeyReused',
      );
    }
    expect(kindOf(await mutate('shut', { idempotencyKey: 'other', occurredAt }))).toBe(
      'OccurredAtOutOfRange',
    );
  });

  test('that the transition is illegal, then that the time is out of range', async () => {
    await mutate('open', {});
    expect(kindOf(await mutate('open', { occurredAt: OUT_OF_RANGE }))).toBe('IllegalTransition');
  });
});
