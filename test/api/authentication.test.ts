/**
 * AUTH=jwt: which requests the server answers over HTTP, WebSocket and server-sent events, what a token's scopes allow,
 * and which actor the history records.
 */
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CryptoKey,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
  base64url,
  exportJWK,
  exportSPKI,
  generateKeyPair,
} from 'jose';
import { Client } from 'pg';
import WebSocket from 'ws';
import { contentsOf } from './store';
import { type TestServer, startServer, warningsOf } from '../harness';
import {
  type Subscriber,
  TRANSPORTS,
  type Transport,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';
import { JSON_BODY, type Reply, ask, dataOf, send } from './client';

/** Long enough for every algorithm. */
const SECRET = 'a secret of the test'.repeat(4);
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'lives';
const BOTH = 'openid lives:read lives:write';

const COUNT = '{ census { total } }';
const CONCEIVE = 'mutation { conceive { id } }';
const FOLLOW = 'subscription { transitions { lifeId event actor } }';
const WATCH = 'subscription ($id: ID!) { lifeChanged(id: $id) { id version } }';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
interface Keys {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

/** The claims of a token; a claim that is undefined is left out. */
type Claims = { readonly [Claim in keyof JWTPayload]: JWTPayload[Claim] | undefined };

/** Where a test's issuer publishes its keys. A test can withhold keys, and add others. */
interface Issuer {
  readonly url: string;
  readonly keys: Map<string, Keys>;
  status: number;
  asked: number;
  readonly stop: () => Promise<void>;
}

let issuer: Issuer;
/**
 * One server trusts a secret, and requires an issuer and an audience. The other one trusts the issuer's keys, and
 * requires neither.
 */
let shared: TestServer;
let published: TestServer;
let owner: Client;
let before: Awaited<ReturnType<typeof contentsOf>>;
let subscribers: Subscriber[];

beforeAll(async () => {
  issuer = await startIssuer();
  const claims = { AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };
  shared = await startServer({ AUTH: 'jwt', AUTH_JWT_SECRET: SECRET, ...claims });
  published = await startServer({ AUTH: 'jwt', AUTH_JWKS_URL: issuer.url });
  // Bystanders.
  for (const server of [shared, published]) {
    const token = server === shared ? await sharedToken() : await publishedToken('RS256');
    expect((await post(server, CONCEIVE, token)).status).toBe(200);
  }
  owner = new Client({ connectionString: shared.database?.url });
  await owner.connect();
});

beforeEach(async () => {
  subscribers = [];
  before = await contentsOf(owner);
});

afterEach(async () => {
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
});

afterAll(async () => {
  await owner.end();
  await shared.stop();
  await published.stop();
  await issuer.stop();
});

async function startIssuer(): Promise<Issuer> {
  const server: Server = createServer((_request, response) => {
    started.asked += 1;
    const jwks = [...started.keys].map(async ([kid, { publicKey }]) => ({
      ...(await exportJWK(publicKey)),
      kid,
    }));
    void Promise.all(jwks).then((keys) => {
      response.writeHead(started.status, JSON_BODY).end(JSON.stringify({ keys }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address with it.
  const { port } = server.address() as AddressInfo;
  const keys = new Map<string, Keys>();
  for (const algorithm of ALGORITHMS) keys.set(algorithm, await generateKeyPair(algorithm));
  const started: Issuer = {
    url: `http://127.0.0.1:${port}/keys`,
    keys,
    status: 200,
    asked: 0,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return started;
}

/** In seconds since 1970, as tokens have it. */
const secondsFromNow = (seconds: number): number => Date.now() / 1_000 + seconds;

function claimsOf(claims: Claims): JWTPayload {
  const all = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'ada',
    scope: BOTH,
    exp: secondsFromNow(600),
    ...claims,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function sharedToken(claims: Claims = {}, secret = SECRET, alg = 'HS256'): Promise<string> {
  return new SignJWT(claimsOf(claims))
    .setProtectedHeader({ alg })
    .sign(new TextEncoder().encode(secret));
}

async function typedToken(typ: string): Promise<string> {
  return new SignJWT(claimsOf({}))
    .setProtectedHeader({ alg: 'HS256', typ })
    .sign(new TextEncoder().encode(SECRET));
}

async function publishedToken(
  alg: string,
  {
    claims = {},
    kid = alg,
    keys = issuer.keys.get(kid),
  }: { claims?: Claims; kid?: string; keys?: Keys } = {},
): Promise<string> {
  if (keys === undefined) throw new Error(`There is no key ${kid}.`);
  return new SignJWT(claimsOf(claims)).setProtectedHeader({ alg, kid }).sign(keys.privateKey);
}

async function post(
  server: TestServer,
  query: string,
  token?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const credentials = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return send(server, {
    headers: { ...JSON_BODY, ...credentials, ...headers },
    body: JSON.stringify({ query }),
  });
}

async function get(
  server: TestServer,
  query: string,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> {
  const path = `/graphql?query=${encodeURIComponent(query)}`;
  return send(server, { method: 'GET', path, headers: { ...JSON_BODY, ...headers } });
}

/** Requests of every kind that reach GraphQL over HTTP. */
async function askedInEveryWay(server: TestServer, authorization?: string): Promise<Reply[]> {
  const headers = authorization === undefined ? {} : { authorization };
  const stream = { ...headers, accept: 'text/event-stream' };
  return [
    await post(server, COUNT, undefined, headers),
    await post(server, CONCEIVE, undefined, headers),
    await post(server, '{ __schema { queryType { name } } }', undefined, headers),
    await post(server, 'no document', undefined, headers),
    await get(server, COUNT, headers),
    await get(server, FOLLOW, stream),
    await post(server, FOLLOW, undefined, stream),
  ];
}

/** A socket whose first message has this payload; without one, it sends nothing yet. */
async function socketOf(server: TestServer, payload?: object): Promise<WebSocket> {
  const url = `${server.url.replace('http', 'ws')}/graphql`;
  const socket = new WebSocket(url, 'graphql-transport-ws');
  await once(socket, 'open');
  if (payload !== undefined) socket.send(JSON.stringify({ type: 'connection_init', payload }));
  return socket;
}

async function closeCodeOf(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

/** Subscribes until the test is over. */
function follow(
  transport: Transport,
  query: string,
  {
    token,
    variables = {},
  }: { readonly token: string; readonly variables?: Record<string, unknown> },
): Subscriber {
  const subscriber = subscribe(shared, transport, query, variables, undefined, token);
  subscribers.push(subscriber);
  return subscriber;
}

/** Conceives a life with this token. */
async function conceived(token: string): Promise<string> {
  const { body } = await post(shared, CONCEIVE, token);
  return body.data.conceive.id;
}

const unsigned = (header: object, claims: Claims = {}): string =>
  `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(claimsOf(claims)))}.`;

/** Values of `Authorization` that hold no valid token for the server of the secret. */
const INVALID: readonly (readonly [string, () => Promise<string> | string])[] = [
  ['no scheme', async () => sharedToken()],
  ['another scheme', async () => `Basic ${await sharedToken()}`],
  ['nothing after the scheme', () => 'Bearer'],
  ['an empty token', () => 'Bearer '],
  ['text', () => 'Bearer nonsense'],
  ['three parts of nothing', () => 'Bearer a.b.c'],
  ['a token and more', async () => `Bearer ${await sharedToken()} ${await sharedToken()}`],
  ['a token cut short', async () => `Bearer ${(await sharedToken()).slice(0, -5)}`],
  ['an expired token', async () => `Bearer ${await sharedToken({ exp: secondsFromNow(-1) })}`],
  ['a token that never expires', async () => `Bearer ${await sharedToken({ exp: undefined })}`],
  [
    'a token that is not valid yet',
    async () => `Bearer ${await sharedToken({ nbf: secondsFromNow(60) })}`,
  ],
  ['the signature of another secret', async () => `Bearer ${await sharedToken({}, `${SECRET}!`)}`],
  [
    'the claims of another token',
    async () => {
      const [header, , signature] = (await sharedToken()).split('.');
      const [, claims] = (await sharedToken({ sub: 'eve' })).split('.');
      return `Bearer ${header}.${claims}.${signature}`;
    },
  ],
  ['no signature', () => `Bearer ${new UnsecuredJWT(claimsOf({})).encode()}`],
  [
    'no signature, with the algorithm spelt in mixed case',
    () => `Bearer ${unsigned({ alg: 'NoNe' })}`,
  ],
  ['another HMAC algorithm', async () => `Bearer ${await sharedToken({}, SECRET, 'HS512')}`],
  ['another issuer', async () => `Bearer ${await sharedToken({ iss: `${ISSUER}/` })}`],
  ['no issuer', async () => `Bearer ${await sharedToken({ iss: undefined })}`],
  ['another audience', async () => `Bearer ${await sharedToken({ aud: ['others', 'deaths'] })}`],
  ['no audience', async () => `Bearer ${await sharedToken({ aud: undefined })}`],
  ['no subject', async () => `Bearer ${await sharedToken({ sub: undefined })}`],
  ['an empty subject', async () => `Bearer ${await sharedToken({ sub: '' })}`],
  [
    'a subject that PostgreSQL cannot store',
    async () => `Bearer ${await sharedToken({ sub: 'a\0' })}`,
  ],
  [
    'a subject that is too long',
    async () => `Bearer ${await sharedToken({ sub: 'a'.repeat(256) })}`,
  ],
  // Characters that reverse the text, are invisible, or end a line.
  ...['\u202e', '\u2066', '\u200f', '\u061c', '\u200b', '\ufeff', '\u2028', '\u2029'].map(
    (character) =>
      [
        `a subject with U+${(character.codePointAt(0) ?? 0).toString(16)}`,
        async () => `Bearer ${await sharedToken({ sub: `ada${character}eve` })}`,
      ] as const,
  ),
  ...['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'jwt+something', ''].map(
    (typ) =>
      [
        `a token for another purpose, ${JSON.stringify(typ)}`,
        async () => `Bearer ${await typedToken(typ)}`,
      ] as const,
  ),
  ['an ID token', async () => `Bearer ${await sharedToken({ at_hash: 'x', nonce: 'y' })}`],
  [
    'an ID token that was issued with a code',
    async () => `Bearer ${await sharedToken({ c_hash: 'x' })}`,
  ],
];

describe('a client without a valid token', () => {
  test('is told how to send one, and its document is not executed', async () => {
    for (const reply of await askedInEveryWay(shared)) {
      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(reply.body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
      expect(reply.body.data).toBeUndefined();
    }
    expect(await contentsOf(owner)).toEqual(before);
  });

  test.each(INVALID)('is refused over HTTP: %s', async (_description, make) => {
    for (const reply of await askedInEveryWay(shared, await make())) {
      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(reply.body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
      expect(reply.body.data).toBeUndefined();
    }
    expect(await contentsOf(owner)).toEqual(before);
  });

  test.each(INVALID)('has its socket closed: %s', async (_description, make) => {
    const socket = await socketOf(shared, { Authorization: await make() });
    expect(await closeCodeOf(socket)).toBe(4401);
  });

  test.each([
    ['nothing', {}],
    ['a number', { Authorization: 1 }],
    ['nothing at all', { Authorization: null }],
    ['a list', { Authorization: ['Bearer x'] }],
    ['a token under another name', { token: 'Bearer x' }],
  ])('has its socket closed if its first message holds %s', async (_description, payload) => {
    expect(await closeCodeOf(await socketOf(shared, payload))).toBe(4401);
  });

  test('has its socket closed if it subscribes before it sends a token', async () => {
    const socket = await socketOf(shared);
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: FOLLOW } }));
    expect(await closeCodeOf(socket)).toBe(4401);
  });

  test('still gets the playground with all of its files, and the answers for a load balancer', async () => {
    const page = await send(shared, { method: 'GET', headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    const [, base = ''] = /<base href="([^"]+)"/.exec(page.text) ?? [];
    const assets = [...page.text.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]+)"/g)].map(
      ([, asset = '']) => new URL(asset, `${shared.url}${base}`).pathname,
    );
    expect(assets.length).toBeGreaterThan(5);
    for (const path of ['/healthz', '/readyz', ...assets]) {
      expect((await send(shared, { method: 'GET', path })).status).toBe(200);
    }
  });
});

describe('a valid token', () => {
  test('permits queries, mutations and introspection, by POST and by GET', async () => {
    const token = await sharedToken({ aud: ['others', AUDIENCE] });
    for (const query of [COUNT, CONCEIVE, '{ __schema { queryType { name } } }']) {
      const { status, body } = await post(shared, query, token);
      expect(status).toBe(200);
      expect(body.errors).toBeUndefined();
    }
    const reply = await get(shared, COUNT, { authorization: `bearer ${token}` });
    expect(reply.body.data.census.total).toBeGreaterThan(0);
  });

  test.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt'])(
    'may have the type %s',
    async (typ) => {
      expect((await post(shared, COUNT, await typedToken(typ))).status).toBe(200);
    },
  );

  test('is accepted from an issuer whose clock is a little ahead', async () => {
    const token = await sharedToken({ nbf: secondsFromNow(2) });
    expect((await post(shared, COUNT, token)).status).toBe(200);
  });

  test('has its subject recorded as the actor of its changes, in the API and in the database', async () => {
    const id = await conceived(await sharedToken({ sub: 'ada' }));
    const steps = [
      ['birth', 'grace'],
      // Persian text and emoji need invisible characters that join others.
      ['die', 'Søren 👩\u200d🚀 می\u200cروم'],
    ];
    for (const [step, sub = ''] of steps) {
      const query = `mutation { ${step}(id: "${id}") { __typename } }`;
      expect((await post(shared, query, await sharedToken({ sub }))).body.errors).toBeUndefined();
    }
    const history = `{ life(id: "${id}") { history { nodes { event actor } } } }`;
    const { body } = await post(shared, history, await sharedToken({ sub: 'a reader' }));
    expect(body.data.life.history.nodes).toEqual([
      { event: 'CONCEPTION', actor: 'ada' },
      { event: 'BIRTH', actor: 'grace' },
      { event: 'DEATH', actor: 'Søren 👩\u200d🚀 می\u200cروم' },
    ]);
    const { lives, transitions } = await contentsOf(owner);
    const isOther = (row: object): boolean => !Object.values(row).includes(id);
    expect({ lives: lives.filter(isOther), transitions: transitions.filter(isOther) }).toEqual({
      lives: before.lives,
      transitions: before.transitions,
    });
  });
});

describe('a token without the scope', () => {
  const READ = 'lives:read';
  const WRITE = 'lives:write';

  async function expectForbidden(reply: Reply): Promise<void> {
    expect(reply.status).toBe(403);
    expect(reply.body.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    expect(reply.body.data).toBeUndefined();
    expect(await contentsOf(owner)).toEqual(before);
  }

  test('lives:write can read, and cannot change anything', async () => {
    const token = await sharedToken({ scope: READ });
    expect((await post(shared, COUNT, token)).status).toBe(200);
    const [life] = before.lives as { id: string }[];
    for (const query of [CONCEIVE, `mutation { die(id: "${life?.id}") { __typename } }`]) {
      await expectForbidden(await post(shared, query, token));
      const accept = 'application/graphql-response+json';
      await expectForbidden(await post(shared, query, token, { accept }));
    }
  });

  test('lives:read can make changes, and cannot read', async () => {
    const token = await sharedToken({ scope: WRITE });
    const queries = [COUNT, '{ __typename }', '{ __schema { queryType { name } } }'];
    for (const query of queries) {
      await expectForbidden(await post(shared, query, token));
      await expectForbidden(await get(shared, query, { authorization: `Bearer ${token}` }));
    }
    const accept = 'text/event-stream';
    await expectForbidden(await post(shared, FOLLOW, token, { accept }));
    await expectForbidden(await get(shared, FOLLOW, { accept, authorization: `Bearer ${token}` }));
    expect(await conceived(token)).toEqual(expect.any(String));
  });

  test('is judged by the selected operation, not by the document’s other operations', async () => {
    const document = `query Read ${COUNT} mutation Write { conceive { id } }`;
    const asOf = async (scope: string, operationName: string): Promise<Reply> =>
      send(shared, {
        headers: { ...JSON_BODY, authorization: `Bearer ${await sharedToken({ scope })}` },
        body: JSON.stringify({ query: document, operationName }),
      });
    await expectForbidden(await asOf(READ, 'Write'));
    await expectForbidden(await asOf(WRITE, 'Read'));
    expect((await asOf(READ, 'Read')).status).toBe(200);
    expect((await asOf(WRITE, 'Write')).status).toBe(200);
  });

  test.each([
    undefined,
    '',
    'lives',
    'lives:reader',
    'LIVES:READ',
    'xlives:write',
    'lives:read,lives:write',
  ])(
    'has its requests refused before their documents are read, if its scopes are %j',
    async (scope) => {
      const authorization = `Bearer ${await sharedToken({ scope })}`;
      for (const reply of await askedInEveryWay(shared, authorization))
        await expectForbidden(reply);
    },
  );

  test('gives access to the metrics, which need only a valid token', async () => {
    const path = '/metrics';
    const withToken = async (token: string): Promise<Reply> =>
      send(shared, { method: 'GET', path, headers: { authorization: `Bearer ${token}` } });
    expect((await withToken(await sharedToken({ scope: undefined }))).status).toBe(200);
    expect((await withToken(await sharedToken({ iss: undefined }))).status).toBe(401);
    expect((await send(shared, { method: 'GET', path })).status).toBe(401);
  });

  test('is refused if its scopes are a list', async () => {
    await expectForbidden(await post(shared, COUNT, await sharedToken({ scope: [READ, WRITE] })));
  });

  test('lives:read can read what its own mutations answer: the life and its history', async () => {
    const id = await conceived(await sharedToken());
    const life = 'id history { nodes { event actor life { id } } }';
    const die = `mutation { die(id: "${id}") { ... on Dead { ${life} } ... on IllegalTransition { life { ${life} } } } }`;
    const token = await sharedToken({ scope: WRITE, sub: 'a writer' });
    await post(shared, die, await sharedToken());
    const { body } = await post(shared, die, token);
    expect(body.errors).toBeUndefined();
    expect(body.data.die.life).toEqual({
      id,
      history: {
        nodes: [
          { event: 'CONCEPTION', actor: 'ada', life: { id } },
          { event: 'DEATH', actor: 'ada', life: { id } },
        ],
      },
    });
    expect((await post(shared, `{ life(id: "${id}") { id } }`, token)).status).toBe(403);
  });

  test('has its operation refused on its socket, which stays open', async () => {
    const subscriber = follow('WebSocket', FOLLOW, { token: await sharedToken({ scope: WRITE }) });
    expect(await subscriber.ended).toMatchObject({
      by: 'error',
      error: [{ extensions: { code: 'FORBIDDEN', requestId: expect.any(String) } }],
    });
    expect(subscriber.socket().readyState).toBe(WebSocket.OPEN);
  });
});

describe.each(TRANSPORTS)('a subscription over %s', (transport) => {
  test('is accepted with a token that may read, and shows who made each change', async () => {
    const id = await conceived(await sharedToken());
    const token = await sharedToken({ sub: 'a reader', scope: 'lives:read' });
    const feed = follow(transport, FOLLOW, { token });
    const watching = follow(transport, WATCH, { token, variables: { id } });
    await watching.untilReceived(1);
    const writer = await sharedToken({ sub: 'grace', scope: 'lives:write' });
    await post(shared, `mutation { birth(id: "${id}") { __typename } }`, writer);
    await watching.untilReceived(2);
    // The server accepts the subscription at some moment after it was sent.
    while (feed.results.length === 0) await conceived(writer);
    expect(feed.results.at(-1)?.data.transitions).toMatchObject({ actor: 'grace' });
  });

  test('shows two actors the same', async () => {
    const id = await conceived(await sharedToken());
    const both = await Promise.all(
      ['ada', 'eve'].map(async (sub) =>
        follow(transport, WATCH, { token: await sharedToken({ sub }), variables: { id } }),
      ),
    );
    await Promise.all(both.map((each) => each.untilReceived(1)));
    await post(shared, `mutation { die(id: "${id}") { __typename } }`, await sharedToken());
    await Promise.all(both.map((each) => each.ended));
    const [one, other] = both.map(({ results }) => results);
    expect(one).toHaveLength(2);
    expect(other).toEqual(one);
  });

  test('ends when its token expires, and not before', async () => {
    const id = await conceived(await sharedToken());
    const exp = secondsFromNow(1.5);
    const subscriber = follow(transport, WATCH, {
      token: await sharedToken({ exp }),
      variables: { id },
    });
    const longer = follow(transport, WATCH, { token: await sharedToken(), variables: { id } });
    await subscriber.untilReceived(1);
    await longer.untilReceived(1);
    const ending = await subscriber.ended;
    expect(Date.now()).toBeGreaterThanOrEqual(Math.floor(exp * 1_000));
    expect(ending).toMatchObject({ by: 'error' });
    if (transport === 'WebSocket') expect(ending).toMatchObject({ error: { code: 4401 } });
    // The subscription with the other token goes on.
    await post(shared, `mutation { die(id: "${id}") { __typename } }`, await sharedToken());
    expect(await longer.ended).toEqual({ by: 'completion' });
    expect(subscriber.results).toHaveLength(1);
  });

  test('is accepted with a token that is valid for centuries', async () => {
    const id = await conceived(await sharedToken());
    const token = await sharedToken({ exp: 1e11 });
    const subscriber = follow(transport, WATCH, { token, variables: { id } });
    await subscriber.untilReceived(1);
    await post(shared, `mutation { die(id: "${id}") { __typename } }`, token);
    expect(await subscriber.ended).toEqual({ by: 'completion' });
  });
});

test.each(['Authorization', 'authorization', 'AUTHORIZATION'])(
  'a socket’s first message may name the token %s',
  async (name) => {
    const socket = await socketOf(shared, { [name]: `Bearer ${await sharedToken()}` });
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(message.toString())).toEqual({ type: 'connection_ack' });
    socket.close();
    await once(socket, 'close');
  },
);

test('a socket without subscriptions is also closed when its token expires', async () => {
  const exp = secondsFromNow(1);
  const socket = await socketOf(shared, { Authorization: `Bearer ${await sharedToken({ exp })}` });
  expect(await closeCodeOf(socket)).toBe(4401);
  expect(Date.now()).toBeGreaterThanOrEqual(Math.floor(exp * 1_000));
});

describe('an issuer who publishes keys', () => {
  test.each(ALGORITHMS)('has its signatures accepted with %s', async (algorithm) => {
    const { status, body } = await post(published, COUNT, await publishedToken(algorithm));
    expect(status).toBe(200);
    expect(body.data.census.total).toBeGreaterThan(0);
  });

  test('need not be in the token, if the server has no issuer configured', async () => {
    const claims = { iss: undefined, aud: undefined };
    expect((await post(published, COUNT, await publishedToken('ES256', { claims }))).status).toBe(
      200,
    );
  });

  test('has no token accepted that another key has signed in its name', async () => {
    const keys = await generateKeyPair('RS256');
    const reply = await post(published, COUNT, await publishedToken('RS256', { keys }));
    expect(reply.status).toBe(401);
  });

  test('has no token accepted whose HMAC secret is one of its public keys', async () => {
    const publicKey = issuer.keys.get('RS256')?.publicKey;
    if (publicKey === undefined) throw new Error('There is no such key.');
    const pem = await exportSPKI(publicKey);
    const jwk = await exportJWK(publicKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(jwk), jwk.n ?? '']) {
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const token = await new SignJWT(claimsOf({}))
          .setProtectedHeader({ alg, kid: 'RS256' })
          .sign(new TextEncoder().encode(secret));
        expect((await post(published, COUNT, token)).status).toBe(401);
        expect(
          await closeCodeOf(await socketOf(published, { authorization: `Bearer ${token}` })),
        ).toBe(4401);
      }
    }
  });

  test('has no unsigned token accepted, and none that carries its own key', async () => {
    const keys = await generateKeyPair('RS256');
    const jwk = await exportJWK(keys.publicKey);
    const own = await new SignJWT(claimsOf({}))
      .setProtectedHeader({ alg: 'RS256', jwk })
      .sign(keys.privateKey);
    for (const token of [own, unsigned({ alg: 'none' }), unsigned({ alg: 'none', kid: 'RS256' })]) {
      expect((await post(published, CONCEIVE, token)).status).toBe(401);
    }
  });

  test('is asked for its keys once, not for each token', async () => {
    const server = await startServer({ AUTH: 'jwt', AUTH_JWKS_URL: issuer.url });
    try {
      const { asked } = issuer;
      const tokens = await Promise.all(ALGORITHMS.map(async (each) => publishedToken(each)));
      await Promise.all(tokens.map(async (token) => post(server, COUNT, token)));
      for (const token of tokens) expect((await post(server, COUNT, token)).status).toBe(200);
      expect(issuer.asked).toBe(asked + 1);
    } finally {
      await server.stop();
    }
  });

  test('that cannot be reached has all tokens refused until it can, and the server logs that once', async () => {
    const server = await startServer({ AUTH: 'jwt', AUTH_JWKS_URL: issuer.url });
    try {
      issuer.status = 500;
      const token = await publishedToken('RS256');
      for (const reply of await askedInEveryWay(server, `Bearer ${token}`)) {
        expect(reply.status).toBe(503);
        expect(reply.headers['retry-after']).toBe('1');
        expect(reply.body.errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
        expect(reply.text).not.toContain('127.0.0.1');
      }
      const socket = await socketOf(server, { authorization: `Bearer ${token}` });
      expect(await closeCodeOf(socket)).toBe(1013);
      expect(server.logs.filter(({ level }) => Number(level) >= 50)).toHaveLength(1);
      // A client without a token gets a 401 nevertheless.
      expect((await post(server, COUNT)).status).toBe(401);
      issuer.status = 200;
      // The client comes back after Retry-After, and the server does not ask the issuer earlier than that.
      let status: number | undefined;
      while (status !== 200) status = (await post(server, COUNT, token)).status;
    } finally {
      issuer.status = 200;
      await server.stop();
    }
  });
});

describe('with AUTH off', () => {
  test('the server neither requires nor reads a token', async () => {
    const open = await startServer({ AUTH: 'off' });
    try {
      for (const token of [undefined, 'nonsense', await sharedToken()]) {
        const { body } = await post(
          open,
          'mutation { conceive { history { nodes { actor } } } }',
          token,
        );
        expect(body.data.conceive.history.nodes).toEqual([{ actor: null }]);
      }
      expect((await ask(open, COUNT)).data.census.total).toBe(3);
      expect(warningsOf(open)).toEqual([]);
    } finally {
      await open.stop();
    }
  });

  test('a server that other hosts can reach warns that they have access, and so do pages of rebound names', async () => {
    const open = await startServer({ HOST: '0.0.0.0', AUTH: 'off' });
    try {
      expect(warningsOf(open)).toMatchObject([
        { msg: expect.stringMatching(/AUTH is off.*DNS rebinding/) },
      ]);
    } finally {
      await open.stop();
    }
  });

  test.each(['x-forwarded-for', 'forwarded', 'x-real-ip'])(
    'the first request that a proxy forwarded with %s causes a warning, and only the first',
    async (name) => {
      const open = await startServer();
      try {
        await dataOf(open, COUNT);
        expect(warningsOf(open)).toEqual([]);
        for (const address of ['192.0.2.1', '192.0.2.2']) {
          expect((await post(open, COUNT, undefined, { [name]: address })).status).toBe(200);
        }
        expect(warningsOf(open)).toMatchObject([{ msg: expect.stringContaining('AUTH') }]);
      } finally {
        await open.stop();
      }
    },
  );
});
