/**
 * Subscriptions over each transport: what a subscriber gets, in which order, when the subscription ends, and how it is
 * refused.
 */
import { once } from 'node:events';
import { GraphQLSchema } from 'graphql';
import { Parser } from 'graphql/language/parser';
import { Client } from 'pg';
import WebSocket from 'ws';
import { type TestServer, startServer } from '../harness';
import {
  type Subscriber,
  TRANSPORTS,
  type Transport,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';
import { Bystanders } from './Bystanders';
import { JSON_BODY, ask, dataOf, send } from './client';
import { livingIn } from './lives';
import { type Told, expectSameFeed } from './sameFeed';

const FOLLOW =
  'subscription ($after: String) { transitions(after: $after) { cursor event lifeId version } }';
const WATCH = 'subscription ($id: ID!) { lifeChanged(id: $id) { __typename id version } }';
const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let server: TestServer;
let owner: Client;
let bystanders: Bystanders;
let subscribers: Subscriber[];

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
  owner = new Client({ connectionString: server.database?.url });
  await owner.connect();
});

beforeEach(() => {
  subscribers = [];
});

afterEach(async () => {
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  try {
    await bystanders.leave();
    await owner.end();
  } finally {
    await server.stop();
  }
});

/** Subscribes until the test is over. */
function follow(
  transport: Transport,
  query: string,
  variables: Record<string, unknown> = {},
): Subscriber {
  const subscriber = subscribe(server, transport, query, variables);
  subscribers.push(subscriber);
  return subscriber;
}

/** The feed after a cursor, as the API pages it. */
async function pagesOf(after: string | null): Promise<Told[]> {
  const nodes: Told[] = [];
  for (let cursor = after; ;) {
    const { transitions } = await dataOf(
      server,
      `query ($after: String) {
        transitions(first: 100, after: $after) {
          nodes { cursor event lifeId version } pageInfo { hasNextPage endCursor }
        }
      }`,
      { after: cursor },
    );
    nodes.push(...transitions.nodes);
    if (!transitions.pageInfo.hasNextPage) return nodes;
    cursor = transitions.pageInfo.endCursor;
  }
}

const endOfFeed = async (): Promise<string> =>
  (await dataOf(server, '{ census { cursor } }')).census.cursor;

// As for `ask`: a test reads answers of every shape.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const transitionsOf = ({ results }: Subscriber): any[] =>
  results.map(({ data }) => data.transitions);

/** The sessions on which the server listens. */
async function listeners(): Promise<number[]> {
  const { rows } = await owner.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'persistent-state-machine feed'`,
  );
  return rows.map(({ pid }) => pid);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  // Its probes may come from outside, so it must accept them.
  while (!(await isSo())) await new Promise(setImmediate);
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('a subscriber without a cursor gets every later transition, and no earlier one', async () => {
    await livingIn(server, 'Dead');
    const subscriber = follow(transport, FOLLOW);
    // The server accepts the subscription some time after it was sent. The first transition that it shows was made
    // after that.
    await until(async () => {
      await livingIn(server, 'Gestating');
      return subscriber.results.length > 0;
    });
    const id = await livingIn(server, 'Dead');
    await until(async () => subscriber.results.at(-1)?.data.transitions.lifeId === id);
    const told: Told[] = transitionsOf(subscriber);
    const [first] = told;
    expect(first).toMatchObject({ event: 'CONCEPTION' });
    const others = await pagesOf(first?.cursor ?? '');
    expectSameFeed(told, first === undefined ? [] : [first, ...others].slice(0, told.length));
  });

  test('a subscriber with an old cursor gets the missed transitions from the table, then the live ones, with no gap and no repeat', async () => {
    const after = await endOfFeed();
    const before = await Promise.all(
      Array.from({ length: 250 }, async () => livingIn(server, 'Gestating')),
    );
    const subscriber = follow(transport, FOLLOW, { after });
    const meanwhile = await Promise.all(
      Array.from({ length: 100 }, async () => livingIn(server, 'Alive')),
    );
    await subscriber.untilReceived(before.length + 2 * meanwhile.length);
    const last = await livingIn(server, 'Gestating');
    await subscriber.untilReceived(before.length + 2 * meanwhile.length + 1);
    expectSameFeed(transitionsOf(subscriber), await pagesOf(after));
    expect(subscriber.results.at(-1)?.data.transitions.lifeId).toBe(last);
  });

  test('a subscriber with the cursor of the feed’s end gets only what happens next', async () => {
    const subscriber = follow(transport, FOLLOW, { after: await endOfFeed() });
    const id = await livingIn(server, 'Gestating');
    await subscriber.untilReceived(1);
    expect(transitionsOf(subscriber)).toMatchObject([{ lifeId: id, event: 'CONCEPTION' }]);
  });

  test('a subscriber gets only the events that it asked for, old ones and new ones', async () => {
    const after = await endOfFeed();
    const old = await livingIn(server, 'Dead');
    const subscriber = follow(
      transport,
      'subscription ($after: String) { transitions(after: $after, events: [DEATH]) { event lifeId } }',
      { after },
    );
    await subscriber.untilReceived(1);
    await livingIn(server, 'Alive');
    const next = await livingIn(server, 'Dead');
    await subscriber.untilReceived(2);
    expect(transitionsOf(subscriber)).toEqual(
      [old, next].map((lifeId) => ({ lifeId, event: 'DEATH' })),
    );
  });

  test('a subscriber that asks for an empty list of events gets nothing', async () => {
    const nothing = follow(transport, 'subscription { transitions(events: []) { cursor } }');
    const after = await endOfFeed();
    const everything = follow(transport, FOLLOW, { after });
    await livingIn(server, 'Dead');
    await everything.untilReceived(2);
    expect(nothing.results).toEqual([]);
  });

  test('a subscriber to a life gets its current state, then each version, and the stream ends after its death', async () => {
    const id = await livingIn(server, 'Gestating');
    const subscriber = follow(transport, WATCH, { id });
    await subscriber.untilReceived(1);
    await livingIn(server, 'Dead');
    await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
    await subscriber.untilReceived(2);
    await dataOf(server, 'mutation ($id: ID!) { die(id: $id) { __typename } }', { id });
    expect(await subscriber.ended).toEqual({ by: 'completion' });
    expect(subscriber.results.map(({ data }) => data.lifeChanged)).toEqual([
      { __typename: 'Gestating', id, version: 1 },
      { __typename: 'Alive', id, version: 2 },
      { __typename: 'Dead', id, version: 3 },
    ]);
  });

  test('a subscriber to a dead life gets it once', async () => {
    const id = await livingIn(server, 'Dead');
    const subscriber = follow(transport, WATCH, { id: id.toUpperCase() });
    expect(await subscriber.ended).toEqual({ by: 'completion' });
    expect(subscriber.results).toMatchObject([
      { data: { lifeChanged: { __typename: 'Dead', id } } },
    ]);
  });

  test('a subscriber to an unknown life gets an error', async () => {
    const subscriber = follow(transport, WATCH, { id: UNKNOWN_ID });
    expect(await subscriber.ended).toEqual({ by: 'completion' });
    expect(subscriber.results).toMatchObject([
      { errors: [{ extensions: { code: 'LIFE_NOT_FOUND', requestId: expect.any(String) } }] },
    ]);
  });

  test('subscribers that end leave nothing behind, also if they are still waiting', async () => {
    await until(async () => (await listeners()).length === 0);
    const waiting = Array.from({ length: 5 }, () => follow(transport, FOLLOW));
    const id = await livingIn(server, 'Gestating');
    const watching = follow(transport, WATCH, { id });
    await watching.untilReceived(1);
    await until(async () => (await listeners()).length === 1);
    await Promise.all([...waiting, watching].map((subscriber) => subscriber.stop()));
    await until(async () => (await listeners()).length === 0);
  });

  test('if the server loses the session that listens, subscribers lose nothing', async () => {
    const subscriber = follow(transport, FOLLOW, { after: await endOfFeed() });
    await until(async () => (await listeners()).length === 1);
    const [pid] = await listeners();
    await owner.query('SELECT pg_terminate_backend($1::integer, 10000)', [pid]);
    const id = await livingIn(server, 'Dead');
    await subscriber.untilReceived(2);
    expect(subscriber.results.map(({ data }) => data.transitions.lifeId)).toEqual([id, id]);
    await until(async () => (await listeners()).length === 1);
    expect(await listeners()).not.toEqual([pid]);
  });

  test('a shutdown breaks the subscription off, so that the client connects again', async () => {
    const stopping = await startServer();
    let subscriber: Subscriber | undefined;
    try {
      const id = await livingIn(stopping, 'Gestating');
      subscriber = subscribe(stopping, transport, WATCH, { id });
      await subscriber.untilReceived(1);
    } finally {
      await stopping.stop();
    }
    const ending = await subscriber.ended;
    expect(ending).toMatchObject({ by: 'error' });
    if (transport === 'WebSocket') expect(ending).toMatchObject({ error: { code: 1012 } });
    await subscriber.stop();
  });
});

describe('an invalid subscription', () => {
  const beyond = Buffer.from('feed 99999999999').toString('base64url');
  const refused = [
    ['a malformed cursor', FOLLOW, { after: 'x' }, 'BAD_USER_INPUT', 'after'],
    ['a cursor beyond the end of the feed', FOLLOW, { after: beyond }, 'BAD_USER_INPUT', 'after'],
    ['an id that is not a UUID', WATCH, { id: 'x' }, 'BAD_USER_INPUT', 'id'],
    ['a variable of the wrong type', WATCH, { id: {} }, 'BAD_USER_INPUT', 'id'],
    ['a variable that is missing', WATCH, {}, 'BAD_USER_INPUT', 'id'],
    ['an unknown field', 'subscription { births { id } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'two fields',
      'subscription { a: transitions { cursor } b: transitions { cursor } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a document that does not parse', 'subscription {', {}, 'GRAPHQL_PARSE_FAILED'],
    [
      'a document of too many tokens',
      `subscription { transitions { ${'cursor '.repeat(1_000)} } }`,
      {},
      'GRAPHQL_PARSE_FAILED',
    ],
    [
      'a document that is too deep',
      `subscription { transitions { life { ${'history { nodes { life { '.repeat(4)} id ${'} } }'.repeat(4)} } } }`,
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a root that is skipped by a variable',
      'subscription ($a: Boolean!) { transitions @skip(if: $a) { cursor } }',
      { a: true },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a root that is skipped',
      'subscription { transitions @skip(if: true) { cursor } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a root that is not included',
      'subscription { ... @include(if: false) { transitions { cursor } } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'an unknown event',
      'subscription ($e: [LifeEvent!]) { transitions(events: $e) { cursor } }',
      { e: ['NONE'] },
      'BAD_USER_INPUT',
      'e',
    ],
    ['a query', '{ census { total } }', {}, 'BAD_REQUEST'],
    ['a mutation', 'mutation { conceive { id } }', {}, 'BAD_REQUEST'],
  ] as const;

  test.each(refused)(
    '%s is refused over WebSocket, with the id of its operation',
    async (...row) => {
      const [, query, variables, code, path] = row;
      const total = (await dataOf(server, '{ census { total } }')).census.total;
      const subscriber = follow('WebSocket', query, variables);
      const ending = await subscriber.ended;
      const errors = ending.by === 'error' ? ending.error : subscriber.results[0]?.errors;
      expect(errors).toMatchObject([{ extensions: { code, requestId: expect.any(String) } }]);
      if (path !== undefined)
        expect(errors).toMatchObject([{ extensions: { fields: [{ path }] } }]);
      expect(subscriber.socket().readyState).toBe(WebSocket.OPEN);
      expect((await dataOf(server, '{ census { total } }')).census.total).toBe(total);
    },
  );

  test.each(refused)(
    '%s is refused over server-sent events, with an ordinary answer',
    async (...row) => {
      const [, query, variables, code, path] = row;
      const total = (await dataOf(server, '{ census { total } }')).census.total;
      const post = { headers: { ...JSON_BODY, accept: 'text/event-stream' } };
      const reply = await send(server, { ...post, body: JSON.stringify({ query, variables }) });
      expect(reply.status).toBe(400);
      expect(reply.body.errors).toMatchObject([{ extensions: { code } }]);
      if (path !== undefined) {
        expect(reply.body.errors).toMatchObject([{ extensions: { fields: [{ path }] } }]);
      }
      expect((await dataOf(server, '{ census { total } }')).census.total).toBe(total);
    },
  );

  test.each(['null', '"text"', '[]', '{}', '{"query":1}', '{"query":"{","variables":[]}', '{', ''])(
    'the body %j is refused over server-sent events',
    async (body) => {
      const headers = { ...JSON_BODY, accept: 'text/event-stream' };
      const { status, body: answer } = await send(server, { headers, body });
      expect(status).toBe(400);
      expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    },
  );

  test('a POST of a subscription that accepts JSON learns which transports carry subscriptions', async () => {
    const { errors, data } = await ask(server, FOLLOW);
    expect(data).toBeUndefined();
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    expect(errors?.[0]?.message).toMatch(/WebSocket.*server-sent events/);
  });

  test('a document with a query and a subscription gets the query answered that the request selects', async () => {
    const query = `${FOLLOW.replace('subscription', 'subscription Follow')} query Type { __typename }`;
    const { body } = await send(server, {
      headers: JSON_BODY,
      body: JSON.stringify({ query, operationName: 'Type' }),
    });
    expect(body).toEqual({ data: { __typename: 'Query' } });
  });

  test.each([
    [
      'has the word subscription in a comment',
      '# a subscription\n query Type { __typename }',
      undefined,
    ],
    [
      'has one beside the selected query',
      'subscription Follow { transitions { cursor } } query Type { __typename }',
      undefined,
    ],
    ['is a subscription', 'subscription Type { transitions { cursor } }', 'BAD_REQUEST'],
  ])(
    'a document that %s is parsed and validated once, however often a client POSTs it',
    async (_description, query, code) => {
      const body = JSON.stringify({ query, operationName: 'Type' });
      const post = async (): Promise<unknown> =>
        (await send(server, { headers: JSON_BODY, body })).body.errors?.[0].extensions.code;
      // Behind a load balancer, two instances may each parse it.
      for (let first = 0; first < 4; first += 1) await post();
      const parsed = jest.spyOn(Parser.prototype, 'parseDocument');
      // Of the rules that always run, some read the directives. Nothing else does.
      const validated = jest.spyOn(GraphQLSchema.prototype, 'getDirectives');
      try {
        for (let again = 0; again < 4; again += 1) expect(await post()).toBe(code);
        expect(validated).not.toHaveBeenCalled();
        expect(parsed).not.toHaveBeenCalled();
      } finally {
        parsed.mockRestore();
        validated.mockRestore();
      }
    },
  );

  test('a POST of a subscription whose root field may be skipped is refused', async () => {
    const query = 'subscription ($a: Boolean!) { transitions @skip(if: $a) { cursor } }';
    const { status, body } = await send(server, {
      headers: JSON_BODY,
      body: JSON.stringify({ query, variables: { a: true } }),
    });
    expect(status).toBeLessThan(500);
    expect(body.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test.each([
    ['from a foreign origin', { origin: 'https://foreign.example' }],
    ['to a host name that was rebound to the server', { host: 'foreign.example' }],
  ])('no socket is opened %s', async (_description, headers) => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
      {
        headers,
      },
    );
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/403/);
  });

  test('a socket from the server’s own origin is opened', async () => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
      {
        headers: { origin: server.url },
      },
    );
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
  });

  test('a HEAD request subscribes to nothing', async () => {
    const headers = { accept: 'text/event-stream' };
    const path = `/graphql?query=${encodeURIComponent('subscription { transitions { cursor } }')}`;
    const { status } = await send(server, { method: 'HEAD', path, headers });
    expect(status).toBeGreaterThanOrEqual(400);
  });
});

test('what subscribers of the same document get is computed once for all', async () => {
  const id = await livingIn(server, 'Gestating');
  const query =
    'subscription ($after: String) { transitions(after: $after) { version life { phase } } }';
  const after = await endOfFeed();
  const ten = Array.from({ length: 10 }, () => follow('WebSocket', query, { after }));
  const other = follow('WebSocket', `${query} # not the same`, { after });
  const together = [...ten, other];
  // All of them are live, because each has got the first transition.
  await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
  await Promise.all(together.map((subscriber) => subscriber.untilReceived(1)));
  const statements = jest.spyOn(Client.prototype, 'query');
  try {
    await dataOf(server, 'mutation ($id: ID!) { die(id: $id) { __typename } }', { id });
    await Promise.all(together.map((subscriber) => subscriber.untilReceived(2)));
    const finds = statements.mock.calls.filter(
      ([statement]) => Reflect.get(Object(statement), 'name') === 'lives/find',
    );
    // One load for the mutation, and one for each of the two documents. They may share a statement.
    expect(finds.length).toBeGreaterThan(0);
    expect(finds.length).toBeLessThanOrEqual(3);
  } finally {
    statements.mockRestore();
  }
  for (const { results } of together) {
    expect(results.map(({ data }) => data.transitions)).toEqual([
      { version: 2, life: { phase: 'ALIVE' } },
      { version: 3, life: { phase: 'DEAD' } },
    ]);
  }
});

test('without subscribers the server neither listens nor polls', async () => {
  await until(async () => (await listeners()).length === 0);
  const statements = jest.spyOn(Client.prototype, 'query');
  try {
    await livingIn(server, 'Gestating');
    const names = statements.mock.calls.map(([statement]) =>
      Reflect.get(Object(statement), 'name'),
    );
    expect(names.filter((name) => name === 'lives/begin')).toHaveLength(1);
    expect(names.filter((name) => String(name).startsWith('life_transitions/'))).toEqual([]);
  } finally {
    statements.mockRestore();
  }
});

test('a later subscriber gets the current state of the life, and not the earlier subscriber’s result', async () => {
  const query = 'subscription ($after: String) { transitions(after: $after) { life { phase } } }';
  const after = await endOfFeed();
  const first = follow('WebSocket', query, { after });
  const id = await livingIn(server, 'Gestating');
  await first.untilReceived(1);
  await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
  const second = follow('WebSocket', query, { after });
  await second.untilReceived(2);
  expect(second.results[0]).toEqual({ data: { transitions: { life: { phase: 'ALIVE' } } } });
});

describe('a document that the server executes for each transition', () => {
  const PLAIN = `
    cursor lifeId version event from to actor occurredAt
    snapshot { phase version bornAt diedAt }
    life { __typename id nextEvents ... on Alive { birth: bornAt } ... on Dead { bornAt diedAt } }`;
  const DEEP = `
    cursor lifeId version
    life { first: history(first: $first) { nodes { version } pageInfo { hasNextPage } } }`;
  const WITH_DIRECTIVES = `
    cursor lifeId version event
    ...Was @include(if: $unseen) ...Was @include(if: $seen)
    life { ...Is @skip(if: $seen) ...Is @skip(if: $unseen) }`;
  const FRAGMENTS = `
    fragment Was on LifeTransition { snapshot { phase version bornAt diedAt } }
    fragment Is on Life { phase ... on Dead { diedAt } }`;
  // Optional variables that are left out. The names are those of properties that every object inherits.
  const WITH_NAMES_OF_OBJECTS = `
    cursor lifeId version
    life { history(first: $constructor, after: $toString, last: $hasOwnProperty) { __typename } }`;
  const declared = (variables: string): string => `($after: String, ${variables})`;

  test.each([
    { what: 'a plain one', declared: '($after: String)', selection: PLAIN, fragments: '' },
    {
      what: 'one with a default',
      declared: declared('$first: Int = 1'),
      selection: DEEP,
      fragments: '',
    },
    {
      what: 'one with directives',
      declared: declared('$seen: Boolean!, $unseen: Boolean!'),
      selection: WITH_DIRECTIVES,
      fragments: FRAGMENTS,
    },
    {
      what: 'one with variables named like inherited properties',
      declared: declared('$constructor: Int, $toString: String, $hasOwnProperty: Int'),
      selection: WITH_NAMES_OF_OBJECTS,
      fragments: '',
    },
  ])('has the same result as the same fields in a query: $what', async (document) => {
    const variables = { seen: true, unseen: false };
    const after = await endOfFeed();
    const subscription = `subscription ${document.declared} { transitions(after: $after) { ${document.selection} } } ${document.fragments}`;
    const subscriber = follow('WebSocket', subscription, { ...variables, after });
    await Promise.all(Array.from({ length: 60 }, async () => livingIn(server, 'Alive')));
    await livingIn(server, 'Dead');
    // The query asks for the lives of the page later, when they no longer change.
    await subscriber.untilReceived(122);
    const again = follow('WebSocket', subscription, { ...variables, after });
    await again.untilReceived(122);
    const { transitions } = await dataOf(
      server,
      `query ${document.declared} { transitions(first: 22, after: $after) { nodes { ${document.selection} } } } ${document.fragments}`,
      { ...variables, after: transitionsOf(again).map(({ cursor }) => cursor)[99] },
    );
    expect(transitions.nodes).toHaveLength(22);
    expectSameFeed(transitionsOf(again).slice(100), transitions.nodes);
    expect(again.results.filter(({ errors }) => errors)).toEqual([]);
  });

  test('has its errors in each result', async () => {
    const after = await endOfFeed();
    const subscriber = follow(
      'WebSocket',
      'subscription ($after: String, $first: Int) { transitions(after: $after) { life { history(first: $first) { __typename } } } }',
      { after, first: -1 },
    );
    await livingIn(server, 'Dead');
    await subscriber.untilReceived(2);
    for (const { data, errors } of subscriber.results) {
      expect(data).toBeNull();
      expect(errors).toMatchObject([
        {
          path: ['transitions', 'life', 'history'],
          extensions: {
            code: 'BAD_USER_INPUT',
            fields: [{ path: 'first' }],
            requestId: expect.any(String),
          },
        },
      ]);
    }
  });
});

describe('a socket', () => {
  /** A socket on which a test speaks the protocol itself. */
  const open = async (): Promise<{
    socket: WebSocket;
    send: (message: object) => void;
    received: { type: string; id?: string }[];
  }> => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
    );
    const received: { type: string; id?: string }[] = [];
    socket.on('message', (message: Buffer) => {
      // The server writes JSON.
      received.push(JSON.parse(message.toString()) as { type: string });
    });
    await once(socket, 'open');
    const sendMessage = (message: object): void => {
      socket.send(JSON.stringify(message));
    };
    sendMessage({ type: 'connection_init' });
    await once(socket, 'message');
    return { socket, send: sendMessage, received };
  };

  test('that does not read for a while misses nothing, and costs the server no memory meanwhile', async () => {
    const after = await endOfFeed();
    const subscriber = follow('WebSocket', FOLLOW, { after });
    await livingIn(server, 'Gestating');
    await subscriber.untilReceived(1);
    subscriber.socket().pause();
    // More than the tail in memory and the network's buffers hold.
    const conceiveMany = `mutation { ${Array.from({ length: 50 }, (_, index) => `life${index}: conceive { id }`).join(' ')} }`;
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(Array.from({ length: 10 }, async () => dataOf(server, conceiveMany)));
    }
    // Node has no other way to find the server's sockets.
    const handles = Reflect.apply(
      Reflect.get(process, '_getActiveHandles') as () => object[],
      process,
      [],
    );
    const waiting = handles.map((handle) => Number(Reflect.get(handle, 'writableLength') ?? 0));
    expect(Math.max(...waiting)).toBeLessThan(1_000_000);
    subscriber.socket().resume();
    await subscriber.untilReceived(6_001);
    expectSameFeed(transitionsOf(subscriber), await pagesOf(after));
  });

  test('carries up to a hundred subscriptions', async () => {
    const { socket, send: sendMessage, received } = await open();
    for (let id = 0; id <= 100; id += 1) {
      const payload = { query: 'subscription { transitions { cursor } }' };
      sendMessage({ type: 'subscribe', id: String(id), payload });
    }
    await until(async () => {
      await livingIn(server, 'Gestating');
      return received.filter(({ type }) => type === 'next').length >= 100;
    });
    expect(received.filter(({ type }) => type === 'error').map(({ id }) => id)).toEqual(['100']);
    socket.close();
    await once(socket, 'close');
  });

  test('is closed if its client reuses the id of a running subscription, and leaves nothing behind', async () => {
    const { socket, send: sendMessage } = await open();
    const payload = { query: 'subscription { transitions { cursor } }' };
    sendMessage({ type: 'subscribe', id: '1', payload });
    sendMessage({ type: 'complete', id: '1' });
    sendMessage({ type: 'subscribe', id: '1', payload });
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(4409);
    await until(async () => (await listeners()).length === 0);
  });
});

test('a connection carries one event stream after another', async () => {
  const id = await livingIn(server, 'Dead');
  const warnings: Error[] = [];
  const warn = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on('warning', warn);
  const path = `/graphql?query=${encodeURIComponent(`subscription { lifeChanged(id: "${id}") { id } }`)}`;
  for (let stream = 0; stream < 15; stream += 1) {
    const reply = await send(server, {
      method: 'GET',
      path,
      headers: { accept: 'text/event-stream' },
    });
    expect(reply.text).toContain(
      `event: next\ndata: {"data":{"lifeChanged":{"id":"${id}"}}}\n\nevent: complete\n`,
    );
  }
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  process.off('warning', warn);
  expect(warnings).toEqual([]);
});

test('an upgrade to an unknown protocol is ignored', async () => {
  const body = JSON.stringify({ query: '{ __typename }' });
  const reply = await send(server, {
    headers: {
      ...JSON_BODY,
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
    },
    body,
  });
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({ data: { __typename: 'Query' } });
});
