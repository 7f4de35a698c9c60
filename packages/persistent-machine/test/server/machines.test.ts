/** Tests two machines on one server, over HTTP and its sockets: what each has for itself, and what they share. */
import { SignJWT } from 'jose';
import { Client } from 'pg';
import pino from 'pino';
import { type Application, startApplication } from 'persistent-machine/application';
import { readConfiguration } from 'persistent-machine/config';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';
import { TRANSPORTS, type Transport, subscribe } from '../harness/subscriber';
import { served } from './served';

const SECRET = 'a secret of the test'.repeat(4);
const ALL = 'doors:read doors:write tickets:read tickets:write';
const MAX_QUEUE = 3;

/** Doors take the bare names, and tickets have theirs in front. */
const INSTALL_DOOR = 'mutation { hang { id } }';
const INSTALL_TICKET = 'mutation { raiseTicket { id } }';
const COUNT = '{ doors: census { total } tickets: ticketCensus { total } }';

let database: TestDatabase;
let application: Application;
let owner: Client;
/** Rows that no test names. */
let bystanders: object[];

const tokenFor = async (scope: string): Promise<string> =>
  new SignJWT({ scope, sub: 'somebody' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));

interface Reply {
  readonly status: number;
  // A test looks into answers of every shape, and fails where one is not as it says.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
  readonly errors?: readonly { readonly message: string; readonly extensions: object }[];
}

async function ask(query: string, variables: object = {}, scope = ALL): Promise<Reply> {
  const response = await fetch(`${application.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await tokenFor(scope)}`,
    },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...((await response.json()) as Omit<Reply, 'status'>) };
}

async function install(machine: 'Door' | 'Ticket'): Promise<string> {
  const { data } = await ask(machine === 'Door' ? INSTALL_DOOR : INSTALL_TICKET);
  return (machine === 'Door' ? data.hang.id : data.raiseTicket.id) as string;
}

const start = async (): Promise<Application> =>
  startApplication(
    served,
    readConfiguration({
      PORT: '0',
      DATABASE_URL: database.url,
      AUTH: 'jwt',
      AUTH_JWT_SECRET: SECRET,
      MAX_QUEUE: String(MAX_QUEUE),
    }),
    pino({ level: 'silent' }),
  );

async function rows(ids?: readonly string[]): Promise<object[]> {
  const columns = 'id, version, state_type, created_at, updated_at';
  const all = `SELECT 'door' AS kind, ${columns} FROM doors UNION ALL SELECT 'ticket', ${columns} FROM tickets`;
  const some = ids ? 'WHERE id = ANY ($1)' : '';
  const { rows } = await owner.query<object>(
    `SELECT * FROM (${all}) AS each ${some} ORDER BY id`,
    ids && [ids],
  );
  return rows;
}

async function metrics(): Promise<ReadonlyMap<string, number>> {
  const headers = { authorization: `Bearer ${await tokenFor('')}` };
  const text = await (await fetch(`${application.url}/metrics`, { headers })).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const samples = lines.map((line): [string, number] => {
    const space = line.lastIndexOf(' ');
    return [line.slice(0, space), Number(line.slice(space))];
  });
  const read = new Map(samples);
  // Two series of the same name would be one entry of the map.
  expect(read.size).toBe(samples.length);
  return read;
}

const isReady = async (): Promise<boolean> => (await fetch(`${application.url}/readyz`)).ok;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

beforeAll(async () => {
  database = await createTestDatabase();
  application = await start();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  const ids = [await install('Door'), await install('Ticket')];
  bystanders = await rows(ids);
  expect(bystanders).toHaveLength(2);
});

afterEach(async () => {
  expect(await rows(bystanders.map((row) => (row as { id: string }).id))).toEqual(bystanders);
});

afterAll(async () => {
  await owner.end();
  await application.stop();
  await database.drop();
});

describe('each machine', () => {
  test('counts and finds only its own records', async () => {
    type Counted = Readonly<Record<'doors' | 'tickets', { readonly total: number }>>;
    const { doors, tickets } = (await ask(COUNT)).data as Counted;
    const door = await install('Door');
    await install('Door');
    const ticket = await install('Ticket');
    expect((await ask(COUNT)).data).toEqual({
      doors: { total: doors.total + 2 },
      tickets: { total: tickets.total + 1 },
    });
    const both =
      'query ($id: ID!) { door(id: $id) { id phase } ticket(id: $id) { id phase } node(id: $id) { id } }';
    expect((await ask(both, { id: door })).data).toEqual({
      door: { id: door, phase: 'SHUT' },
      ticket: null,
      node: { id: door },
    });
    expect((await ask(both, { id: ticket })).data).toEqual({
      door: null,
      ticket: { id: ticket, phase: 'PENDING' },
      node: { id: ticket },
    });
  });

  test('has its own cursors, which pages and subscriptions of the other refuse', async () => {
    const { data } = await ask('{ census { cursor } ticketCensus { cursor } }');
    const refusal = { extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'after' }] } };
    const after = (field: string, cursor: string): string => `${field}(after: "${cursor}")`;
    for (const [field, own, other] of [
      ['transitions', data.census.cursor, data.ticketCensus.cursor],
      ['ticketTransitions', data.ticketCensus.cursor, data.census.cursor],
    ] as const) {
      const page = 'nodes { event }';
      expect((await ask(`{ ${after(field, own as string)} { ${page} } }`)).errors).toBeUndefined();
      const refused = await ask(`{ ${after(field, other as string)} { ${page} } }`);
      expect(refused.errors).toMatchObject([refusal]);
      const follow = `subscription { ${after(field, other as string)} { event } }`;
      const token = await tokenFor(ALL);
      const subscriber = subscribe(application, 'WebSocket', follow, {}, undefined, token);
      await subscriber.untilReceived(1);
      expect(subscriber.results).toMatchObject([{ errors: [refusal] }]);
      await subscriber.stop();
    }
  });

  test('has a feed of its own, and one connection listens for both', async () => {
    const token = await tokenFor(ALL);
    const subscribers = ['transitions { id: doorId }', 'ticketTransitions { id: ticketId }'].map(
      (field) =>
        subscribe(application, 'WebSocket', `subscription { t: ${field} }`, {}, undefined, token),
    );
    await until(async () => {
      await install('Door');
      await install('Ticket');
      return subscribers.every(({ results }) => results.length > 0);
    });
    const { rows: listening } = await owner.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'persistent-state-machine feed'`,
    );
    expect(listening).toHaveLength(1);
    const read = await metrics();
    expect(read.get('feed_subscribers{machine="Door"}')).toBe(1);
    expect(read.get('feed_subscribers{machine="Ticket"}')).toBe(1);
    for (const [index, table] of ['doors', 'tickets'].entries()) {
      const subscriber = subscribers[index];
      await subscriber?.stop();
      const told = subscriber?.results.map(({ data }) => data.t.id as string);
      const { rows: found } = await owner.query(`SELECT FROM ${table} WHERE id = ANY ($1)`, [told]);
      expect(found).toHaveLength(told?.length ?? -1);
    }
  });

  test('has its own series of every metric, and the same names of lanes', async () => {
    const id = await install('Door');
    await ask('mutation ($id: ID!) { open(id: $id) { __typename } }', { id });
    await ask('mutation ($id: ID!) { again: open(id: $id) { __typename } }', { id });
    const read = await metrics();
    const opened = 'machine_transitions_total{machine="Door",event="Opening",outcome=';
    expect(read.get(`${opened}"applied"}`)).toBe(1);
    expect(read.get(`${opened}"refused"}`)).toBe(1);
    expect([...read.keys()].filter((each) => /Ticket.*Opening/.test(each))).toEqual([]);
    const names = [
      ...['lane_queue_length', 'lane_group_size_count', 'lane_wait_seconds_count'],
      ...['feed_subscribers', 'feed_lag_seconds', 'ledger_size_bytes'],
    ];
    const seriesOf = (machine: string): string[] =>
      [...read.keys()].filter((each) => each.includes(`{machine="${machine}"`));
    for (const machine of ['Door', 'Ticket']) {
      const series = seriesOf(machine);
      for (const name of names) expect(series.join()).toContain(`${name}{machine`);
      expect(read.get(`lane_queue_length{machine="${machine}",lane="swap"}`)).toBe(0);
      expect(read.get(`ledger_size_bytes{machine="${machine}"}`)).toBeGreaterThan(0);
    }
    // Every series of these has a machine.
    const unlabelled = [...read.keys()].filter(
      (each) =>
        /^(?:lane|feed|ledger|machine)_/.test(each) && !/\bmachine="(?:Door|Ticket)"/.test(each),
    );
    expect(unlabelled).toEqual([]);
    expect(read.get('database_up')).toBe(1);
  });
});

describe('a token', () => {
  const DOORS = 'census { total }';
  const TICKETS = 'ticketCensus { total }';
  const NODE = `{ node(id: "${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}") { id } }`;
  const INSTALL = INSTALL_DOOR;
  const INSTALL_BOTH = 'mutation { hang { id } raiseTicket { id } }';
  const allowed: readonly (readonly [string, string, string])[] = [
    ['reads one machine', `{ ${DOORS} }`, 'doors:read'],
    ['changes one machine', INSTALL, 'doors:write'],
    ['reads both', `{ ${DOORS} ${TICKETS} }`, 'doors:read tickets:read'],
    ['changes both', INSTALL_BOTH, 'doors:write tickets:write'],
    ['reads a field that belongs to no machine', NODE, 'tickets:read'],
    [
      'introspects',
      '{ __schema { queryType { name } } __type(name: "Int") { name } }',
      'doors:read',
    ],
    ['reads the type of the query root', '{ __typename }', 'tickets:read'],
    ['reads the type of the mutation root', 'mutation { __typename }', 'tickets:write'],
  ];
  const refused: readonly (readonly [string, string, string, string])[] = [
    ['for another machine', `{ ${DOORS} }`, 'tickets:read', 'doors:read'],
    ['that may only write', `{ ${DOORS} }`, 'doors:write', 'doors:read'],
    ['that may only read', INSTALL, 'doors:read tickets:read', 'doors:write'],
    ['that may write another machine', INSTALL, 'tickets:write doors:read', 'doors:write'],
    ['for one of two readings', `{ ${TICKETS} ${DOORS} }`, 'doors:read', 'tickets:read'],
    ['for one of two changes', INSTALL_BOTH, 'doors:write', 'tickets:write'],
    [
      'for one of two readings, the other in a fragment,',
      `{ ...F ${DOORS} } fragment F on Query { ... on Query { __typename ...G } } fragment G on Query { t: ${TICKETS} }`,
      'doors:read',
      'tickets:read',
    ],
    [
      'for another machine than that of the aliased field',
      `{ census: ${TICKETS} }`,
      'doors:read',
      'tickets:read',
    ],
    [
      'for one of two readings, the other skipped by a condition,',
      `{ ${DOORS} ticketCensus @skip(if: true) { total } }`,
      'doors:read',
      'tickets:read',
    ],
    ['without a right to read, for a node,', NODE, 'doors:write', 'doors:read, tickets:read'],
    [
      'without a right to write, for the mutation root,',
      'mutation { __typename }',
      'doors:read',
      'doors:write, tickets:write',
    ],
  ];

  test.each(allowed)('%s', async (_what, query, scope) => {
    expect(await ask(query, {}, scope)).toMatchObject({ status: 200 });
    expect((await ask(query, {}, scope)).errors).toBeUndefined();
  });

  test.each(refused)('%s is refused as a whole', async (_what, query, scope, needed) => {
    const before = await rows();
    const reply = await ask(query, {}, scope);
    expect(reply).toMatchObject({ status: 403, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    expect(reply.errors?.[0]?.message).toMatch(new RegExp(`scopes? ${needed}\\.$`));
    expect(reply.data).toBeUndefined();
    expect(await rows()).toEqual(before);
  });

  test('finds by id only what it may read', async () => {
    const id = await install('Ticket');
    const query = 'query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }';
    expect((await ask(query, { id }, 'tickets:read')).data).toEqual({
      node: { id },
      nodes: [{ id }],
    });
    expect((await ask(query, { id }, 'doors:read')).data).toEqual({ node: null, nodes: [null] });
  });

  test.each(['', 'doors', 'orders:read', 'door:read', 'Door:read'])(
    'with the scope %j lets its bearer do nothing',
    async (scope) => {
      for (const query of [NODE, 'no document']) {
        expect(await ask(query, {}, scope)).toMatchObject({
          status: 403,
          errors: [{ message: 'The token has no scope of this server.' }],
        });
      }
    },
  );

  test('needs only the scopes of the named operation in a document with several', async () => {
    const query = `query A { ${DOORS} } query B { ${TICKETS} }`;
    const response = async (operationName: string): Promise<Response> =>
      fetch(`${application.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await tokenFor('doors:read')}`,
        },
        body: JSON.stringify({ query, operationName }),
      });
    expect((await response('A')).status).toBe(200);
    expect((await response('B')).status).toBe(403);
  });

  const outcomeOf = async (transport: Transport, scope: string): Promise<unknown> => {
    const token = await tokenFor(scope);
    const follow = 'subscription { transitions { event } }';
    const subscriber = subscribe(application, transport, follow, {}, undefined, token);
    let outcome: unknown;
    void subscriber.ended.then((ending) => {
      outcome = ending;
    });
    await until(async () => {
      await install('Door');
      outcome ??= subscriber.results.length > 0 ? 'told' : undefined;
      return outcome !== undefined;
    });
    await subscriber.stop();
    return outcome;
  };

  test.each(TRANSPORTS)('follows over %s the machines that it may read', async (transport) => {
    expect(await outcomeOf(transport, 'doors:read')).toBe('told');
    for (const scope of ['tickets:read', 'doors:write']) {
      expect(await outcomeOf(transport, scope)).toMatchObject({ by: 'error' });
    }
  });
});

describe('a fault of one machine', () => {
  test('fills its queue, so that admission refuses requests to both machines', async () => {
    const lock = new Client({ connectionString: database.url });
    await lock.connect();
    await lock.query('BEGIN');
    await lock.query('LOCK TABLE doors IN ACCESS EXCLUSIVE MODE');
    const id = '00000000-0000-4000-8000-000000000000';
    const waiting: Promise<Reply>[] = [];
    await until(async () => {
      // The ids differ, since requests for one id are one entry of a statement.
      const variables = { id: id.replace(/0{3}$/, String(100 + waiting.length)) };
      waiting.push(ask('query ($id: ID!) { door(id: $id) { id } }', variables));
      const read = await metrics();
      return read.get('lane_queue_length{machine="Door",lane="find"}') === MAX_QUEUE;
    });
    expect(await ask('{ ticketCensus { total } }')).toMatchObject({
      status: 503,
      errors: [{ extensions: { code: 'OVERLOADED' } }],
    });
    const read = await metrics();
    expect(read.get('lane_queue_length{machine="Ticket",lane="find"}')).toBe(0);
    await lock.query('ROLLBACK');
    await lock.end();
    await Promise.all(waiting);
    expect((await ask('{ ticketCensus { total } }')).status).toBe(200);
  });

  test('such as a missing table makes the instance not ready until the table is back', async () => {
    expect(await isReady()).toBe(true);
    await owner.query('ALTER TABLE ticket_ledger RENAME TO ticket_ledger_away');
    expect(await ask('{ ticketCensus { total } }')).toMatchObject({ data: null });
    expect(await isReady()).toBe(false);
    expect((await ask('{ census { total } }')).errors).toBeUndefined();
    await owner.query('ALTER TABLE ticket_ledger_away RENAME TO ticket_ledger');
    await until(isReady);
    expect((await ask('{ ticketCensus { total } }')).errors).toBeUndefined();
  });

  // The last test, since an instance with a broken ledger stays not ready.
  test('such as a broken ledger makes the instance not ready, and the other machine goes on', async () => {
    const door = await install('Door');
    await owner.query(`
      ALTER TABLE ticket_ledger DISABLE TRIGGER ticket_ledger_counts_what_was_recorded;
      UPDATE ticket_ledger SET position = position - 1`);
    const before = await rows();
    expect((await ask(INSTALL_TICKET)).errors).toBeDefined();
    expect(await isReady()).toBe(false);
    expect((await ask(INSTALL_TICKET)).errors).toBeDefined();
    expect(await rows()).toEqual(before);
    const open = 'mutation ($id: ID!) { open(id: $id) { __typename } }';
    expect((await ask(open, { id: door })).data).toEqual({ open: { __typename: 'Open' } });
    expect((await ask('{ ticketCensus { total } }')).errors).toBeUndefined();
  });
});
