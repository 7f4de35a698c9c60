/**
 * Subscriptions as a client meets them, over either transport: what comes, in which order, when it ends, and
 * what is said where it cannot begin.
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

const FOLLOW =
  'subscription ($after: String) { transitions(after: $after) { cursor event lifeId version } }';
const WATCH = 'subscription ($id: ID!) { lifeChanged(id: $id) { __typename id version } }';
const NOBODY = '01890a5d-ac96-774b-bcce-b302099a8057';

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

/** The feed as the API has it in pages, from after a cursor on. */
async function pagesOf(after: string | null): Promise<{ cursor: string }[]> {
  const nodes: { cursor: string }[] = [];
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

// As of ask: a test looks into answers of every shape.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const transitionsOf = ({ results }: Subscriber): any[] =>
  results.map(({ data }) => data.transitions);

/** The sessions by which the server listens. */
async function listeners(): Promise<number[]> {
  const { rows } = await owner.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'persistent-state-machine feed'`,
  );
  return rows.map(({ pid }) => pid);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  // What it looks at may come from outside: it has to be let in.
  while (!(await isSo())) await new Promise(setImmediate);
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('the feed is followed from now on: not what was before, and all that comes after', async () => {
    await livingIn(server, 'Dead');
    const subscriber = follow(transport, FOLLOW);
    // It is accepted at some moment after it was sent: what it shows first was made after that.
    await until(async () => {
      await livingIn(server, 'Gestating');
      return subscriber.results.length > 0;
    });
    const id = await livingIn(server, 'Dead');
    await until(async () => subscriber.results.at(-1)?.data.transitions.lifeId === id);
    const [first] = transitionsOf(subscriber) as { cursor: string; event: string }[];
    expect(first).toMatchObject({ event: 'CONCEPTION' });
    expect(
      [first, ...(await pagesOf(first?.cursor ?? ''))].slice(0, subscriber.results.length),
    ).toEqual(transitionsOf(subscriber));
  });

  test('an old cursor is caught up with from the table, and goes on live with no gap and no repeat', async () => {
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
    expect(transitionsOf(subscriber)).toEqual(await pagesOf(after));
    expect(subscriber.results.at(-1)?.data.transitions.lifeId).toBe(last);
  });

  test('the cursor of the feed’s end is followed by what happens next, and only by that', async () => {
    const subscriber = follow(transport, FOLLOW, { after: await endOfFeed() });
    const id = await livingIn(server, 'Gestating');
    await subscriber.untilReceived(1);
    expect(transitionsOf(subscriber)).toMatchObject([{ lifeId: id, event: 'CONCEPTION' }]);
  });

  test('only transitions by the events asked for come, old ones and new ones', async () => {
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

  test('no events are none: nothing comes', async () => {
    const nothing = follow(transport, 'subscription { transitions(events: []) { cursor } }');
    const after = await endOfFeed();
    const everything = follow(transport, FOLLOW, { after });
    await livingIn(server, 'Dead');
    await everything.untilReceived(2);
    expect(nothing.results).toEqual([]);
  });

  test('a life is shown as it is, then at each further version, and that ends after its death', async () => {
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

  test('a life that is dead already is shown once', async () => {
    const id = await livingIn(server, 'Dead');
    const subscriber = follow(transport, WATCH, { id: id.toUpperCase() });
    expect(await subscriber.ended).toEqual({ by: 'completion' });
    expect(subscriber.results).toMatchObject([
      { data: { lifeChanged: { __typename: 'Dead', id } } },
    ]);
  });

  test('of a life that is not there it is said so', async () => {
    const subscriber = follow(transport, WATCH, { id: NOBODY });
    expect(await subscriber.ended).toEqual({ by: 'completion' });
    expect(subscriber.results).toMatchObject([
      { errors: [{ extensions: { code: 'LIFE_NOT_FOUND', requestId: expect.any(String) } }] },
    ]);
  });

  test('subscribers who end leave nothing behind, also while they wait', async () => {
    await until(async () => (await listeners()).length === 0);
    const waiting = Array.from({ length: 5 }, () => follow(transport, FOLLOW));
    const id = await livingIn(server, 'Gestating');
    const watching = follow(transport, WATCH, { id });
    await watching.untilReceived(1);
    await until(async () => (await listeners()).length === 1);
    await Promise.all([...waiting, watching].map((subscriber) => subscriber.stop()));
    await until(async () => (await listeners()).length === 0);
  });

  test('when the session that listens is lost, nothing else is', async () => {
    const subscriber = follow(transport, FOLLOW, { after: await endOfFeed() });
    await until(async () => (await listeners()).length === 1);
    const [pid] = await listeners();
    await owner.query('SELECT pg_terminate_backend($1, 10000)', [pid]);
    const id = await livingIn(server, 'Dead');
    await subscriber.untilReceived(2);
    expect(subscriber.results.map(({ data }) => data.transitions.lifeId)).toEqual([id, id]);
    await until(async () => (await listeners()).length === 1);
    expect(await listeners()).not.toEqual([pid]);
  });

  test('at shutdown it is broken off, so that the client comes back', async () => {
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

describe('what cannot be subscribed to', () => {
  const beyond = Buffer.from('feed 99999999999').toString('base64url');
  const refused = [
    ['a cursor that is none', FOLLOW, { after: 'x' }, 'BAD_USER_INPUT', 'after'],
    [
      'a cursor that the feed has not reached',
      FOLLOW,
      { after: beyond },
      'BAD_USER_INPUT',
      'after',
    ],
    ['an id that is no UUID', WATCH, { id: 'x' }, 'BAD_USER_INPUT', 'id'],
    ['a variable of the wrong type', WATCH, { id: {} }, 'BAD_USER_INPUT', 'id'],
    ['a variable that is missing', WATCH, {}, 'BAD_USER_INPUT', 'id'],
    [
      'a field that is not there',
      'subscription { births { id } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'two fields',
      'subscription { a: transitions { cursor } b: transitions { cursor } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a document that is none', 'subscription {', {}, 'GRAPHQL_PARSE_FAILED'],
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
      'an event that is none',
      'subscription ($e: [LifeEvent!]) { transitions(events: $e) { cursor } }',
      { e: ['NONE'] },
      'BAD_USER_INPUT',
      'e',
    ],
    ['a query', '{ census { total } }', {}, 'BAD_REQUEST'],
    ['a mutation', 'mutation { conceive { id } }', {}, 'BAD_REQUEST'],
  ] as const;

  test.each(refused)('%s is refused over WebSocket, on its own operation', async (...row) => {
    const [, query, variables, code, path] = row;
    const total = (await dataOf(server, '{ census { total } }')).census.total;
    const subscriber = follow('WebSocket', query, variables);
    const ending = await subscriber.ended;
    const errors = ending.by === 'error' ? ending.error : subscriber.results[0]?.errors;
    expect(errors).toMatchObject([{ extensions: { code, requestId: expect.any(String) } }]);
    if (path !== undefined) expect(errors).toMatchObject([{ extensions: { fields: [{ path }] } }]);
    expect(subscriber.socket().readyState).toBe(WebSocket.OPEN);
    expect((await dataOf(server, '{ census { total } }')).census.total).toBe(total);
  });

  test.each(refused)(
    '%s is refused over server-sent events by an ordinary answer',
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

  test('a POST that wants JSON is told how subscriptions travel', async () => {
    const { errors, data } = await ask(server, FOLLOW);
    expect(data).toBeUndefined();
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    expect(errors?.[0]?.message).toMatch(/WebSocket.*server-sent events/);
  });

  test('a document that has a subscription, too, is answered the query that is asked for', async () => {
    const query = `${FOLLOW.replace('subscription', 'subscription Follow')} query Type { __typename }`;
    const { body } = await send(server, {
      headers: JSON_BODY,
      body: JSON.stringify({ query, operationName: 'Type' }),
    });
    expect(body).toEqual({ data: { __typename: 'Query' } });
  });

  test.each([
    ['has the word in a comment', '# a subscription\n query Type { __typename }', undefined],
    [
      'has one beside the query that is meant',
      'subscription Follow { transitions { cursor } } query Type { __typename }',
      undefined,
    ],
    ['is one', 'subscription Type { transitions { cursor } }', 'BAD_REQUEST'],
  ])(
    'a document that %s is parsed and validated once, however often it is POSTed',
    async (_description, query, code) => {
      const body = JSON.stringify({ query, operationName: 'Type' });
      const post = async (): Promise<unknown> =>
        (await send(server, { headers: JSON_BODY, body })).body.errors?.[0].extensions.code;
      // Two instances may take turns.
      for (let first = 0; first < 4; first += 1) await post();
      const parsed = jest.spyOn(Parser.prototype, 'parseDocument');
      // Of the rules that are always looked at, some ask for the directives; nothing else does.
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

  test('a POST of one whose root may be skipped is refused, too', async () => {
    const query = 'subscription ($a: Boolean!) { transitions @skip(if: $a) { cursor } }';
    const { status, body } = await send(server, {
      headers: JSON_BODY,
      body: JSON.stringify({ query, variables: { a: true } }),
    });
    expect(status).toBeLessThan(500);
    expect(body.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test.each([
    ['of a foreign origin', { origin: 'https://foreign.example' }],
    ['to a name that was rebound to us', { host: 'foreign.example' }],
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

  test('a socket of our own origin is opened', async () => {
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

test('what all subscribers to the same are to get is computed once', async () => {
  const id = await livingIn(server, 'Gestating');
  const query =
    'subscription ($after: String) { transitions(after: $after) { version life { phase } } }';
  const after = await endOfFeed();
  const ten = Array.from({ length: 10 }, () => follow('WebSocket', query, { after }));
  const other = follow('WebSocket', `${query} # not the same`, { after });
  const together = [...ten, other];
  // All of them are live, which the first transition shows.
  await dataOf(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
  await Promise.all(together.map((subscriber) => subscriber.untilReceived(1)));
  const statements = jest.spyOn(Client.prototype, 'query');
  try {
    await dataOf(server, 'mutation ($id: ID!) { die(id: $id) { __typename } }', { id });
    await Promise.all(together.map((subscriber) => subscriber.untilReceived(2)));
    const finds = statements.mock.calls.filter(
      ([statement]) => Reflect.get(Object(statement), 'name') === 'lives/find',
    );
    // One for the mutation, and one for each of the two documents; they may share a statement.
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

test('nobody listens, and nobody looks, while nobody is subscribed', async () => {
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

test('who subscribes later is shown what was true later, and what failed for another may succeed', async () => {
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

describe('a document that is executed for each event', () => {
  const PLAIN = `
    place: cursor event from to actor occurredAt
    snapshot { phase version bornAt diedAt }
    life { __typename id nextEvents ... on Alive { birth: bornAt } ... on Dead { bornAt diedAt } }`;
  const DEEP = `
    place: cursor
    life { first: history(first: $first) { nodes { version } pageInfo { hasNextPage } } }`;
  const WITH_DIRECTIVES = `
    place: cursor event
    ...Was @include(if: $unseen) ...Was @include(if: $seen)
    life { ...Is @skip(if: $seen) ...Is @skip(if: $unseen) }`;
  const FRAGMENTS = `
    fragment Was on LifeTransition { snapshot { phase version bornAt diedAt } }
    fragment Is on Life { phase ... on Dead { diedAt } }`;
  // Optional, and left out: what a plain object has by these names is no variable's value.
  const WITH_NAMES_OF_OBJECTS = `
    place: cursor
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
      what: 'one with variables that are named as what every object has',
      declared: declared('$constructor: Int, $toString: String, $hasOwnProperty: Int'),
      selection: WITH_NAMES_OF_OBJECTS,
      fragments: '',
    },
  ])('is answered as the same fields are in a query: $what', async (document) => {
    const variables = { seen: true, unseen: false };
    const after = await endOfFeed();
    const subscription = `subscription ${document.declared} { transitions(after: $after) { ${document.selection} } } ${document.fragments}`;
    const subscriber = follow('WebSocket', subscription, { ...variables, after });
    await Promise.all(Array.from({ length: 60 }, async () => livingIn(server, 'Alive')));
    await livingIn(server, 'Dead');
    // The lives of a page are asked for later, when they are as they stay.
    await subscriber.untilReceived(122);
    const again = follow('WebSocket', subscription, { ...variables, after });
    await again.untilReceived(122);
    const { transitions } = await dataOf(
      server,
      `query ${document.declared} { transitions(first: 22, after: $after) { nodes { ${document.selection} } } } ${document.fragments}`,
      { ...variables, after: transitionsOf(again).map(({ place }) => place)[99] },
    );
    expect(transitions.nodes).toHaveLength(22);
    expect(transitionsOf(again).slice(100)).toEqual(transitions.nodes);
    expect(again.results.filter(({ errors }) => errors)).toEqual([]);
  });

  test('has its errors told with each of them', async () => {
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
  /** A socket that speaks the protocol by hand. */
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
      // What the server writes is JSON.
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

  test('that reads nothing for a while has missed nothing, and costs the server no memory meanwhile', async () => {
    const after = await endOfFeed();
    const subscriber = follow('WebSocket', FOLLOW, { after });
    await livingIn(server, 'Gestating');
    await subscriber.untilReceived(1);
    subscriber.socket().pause();
    // More than the tail in memory holds, and more than the network takes on.
    const conceiveMany = `mutation { ${Array.from({ length: 50 }, (_, index) => `life${index}: conceive { id }`).join(' ')} }`;
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(Array.from({ length: 10 }, async () => dataOf(server, conceiveMany)));
    }
    // Node does not tell of its sockets in any other way.
    const handles = Reflect.apply(
      Reflect.get(process, '_getActiveHandles') as () => object[],
      process,
      [],
    );
    const waiting = handles.map((handle) => Number(Reflect.get(handle, 'writableLength') ?? 0));
    expect(Math.max(...waiting)).toBeLessThan(1_000_000);
    subscriber.socket().resume();
    await subscriber.untilReceived(6_001);
    expect(transitionsOf(subscriber)).toEqual(await pagesOf(after));
  });

  test('carries a hundred subscriptions, and no more', async () => {
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

  test('whose client takes an id again before its subscription has ended is closed, and leaves nothing behind', async () => {
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

test('an upgrade to a protocol that is not spoken is ignored', async () => {
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
