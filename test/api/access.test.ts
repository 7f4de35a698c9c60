/** Access by host name and by origin, and which answers a browser may show to a page. */
import { type TestServer, startServer } from '../harness';
import { JSON_BODY, type Reply, dataOf, send } from './client';

const CONCEIVE = JSON.stringify({ query: 'mutation { conceive { id } }' });
const COUNT = `/graphql?query=${encodeURIComponent('{ census { total } }')}`;

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

/** Closed to other origins, and open to some. */
let closed: TestServer;
let open: TestServer;

beforeAll(async () => {
  closed = await startServer();
  open = await startServer({ CORS_ORIGINS: 'https://one.example, http://other.example:8080' });
});

afterAll(async () => {
  await closed.stop();
  await open.stop();
});

const conceive = async (server: TestServer, headers: Record<string, string>): Promise<Reply> =>
  send(server, { headers: { ...JSON_BODY, ...headers }, body: CONCEIVE });

const preflight = async (server: TestServer, origin: string): Promise<Reply> =>
  send(server, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  });

/** Follows a life that does not exist: the stream reports that, and ends. */
const openEventStream = async (
  server: TestServer,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> => {
  const query = `subscription { lifeChanged(id: "${UNKNOWN_ID}") { id } }`;
  return send(server, {
    method: 'GET',
    path: `/graphql?query=${encodeURIComponent(query)}`,
    headers: { accept: 'text/event-stream', ...headers },
  });
};

const countOf = async (server: TestServer): Promise<number> =>
  (await dataOf(server, '{ census { total } }')).census.total;

const corsHeadersOf = ({ headers }: Reply): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-allow'));

describe('an origin', () => {
  test.each([
    'https://foreign.example',
    'null',
    'http://localhost.foreign.example',
    'http://127.0.0.1',
    'http://127.0.0.1:1',
    'file://',
    '',
    'not an origin',
  ])('that is foreign, %j, cannot change anything', async (origin) => {
    for (const server of [closed, open]) {
      const before = await countOf(server);
      const reply = await conceive(server, { origin });
      expect(reply.status).toBe(403);
      expect(reply.body).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
      expect(reply.body.data).toBeUndefined();
      expect(corsHeadersOf(reply)).toEqual([]);
      expect(await countOf(server)).toBe(before);
    }
  });

  test.each(['foo', 'file', 'ftp', 'chrome-extension', 'capacitor', 'ws'])(
    'with another scheme than the web’s, %s, cannot change anything, even with the server’s own host',
    async (scheme) => {
      const { port } = new URL(closed.url);
      const before = await countOf(closed);
      for (const name of ['localhost', '127.0.0.1', '[::1]']) {
        const host = `${name}:${port}`;
        const reply = await conceive(closed, { host, origin: `${scheme}://${host}` });
        expect(reply.status).toBe(403);
      }
      expect(await countOf(closed)).toBe(before);
    },
  );

  test('of the server’s own host behind a proxy that ends TLS is accepted', async () => {
    const { host } = new URL(closed.url);
    const reply = await conceive(closed, { host, origin: `https://${host}` });
    expect(reply.status).toBe(200);
  });

  test('of the server itself is accepted under each of the server’s names', async () => {
    const { port } = new URL(closed.url);
    for (const name of ['localhost', 'LOCALHOST', '127.0.0.1', '[::1]']) {
      const host = `${name}:${port}`;
      const reply = await conceive(closed, { host, origin: `http://${host}` });
      expect(reply.status).toBe(200);
      expect(reply.body.data.conceive).not.toBeNull();
    }
  });

  test('that is foreign can read without CORS headers, so a browser shows it nothing', async () => {
    for (const server of [closed, open]) {
      const reply = await send(server, {
        method: 'GET',
        path: COUNT,
        headers: { ...JSON_BODY, origin: 'https://foreign.example' },
      });
      expect(reply.status).toBe(200);
      expect(corsHeadersOf(reply)).toEqual([]);
    }
  });

  test.each([
    ['that names itself', { origin: 'https://foreign.example' }],
    ['of another site, as its browser says', { 'sec-fetch-site': 'cross-site' }],
    [
      'of another port or name of this site, as its browser says',
      { 'sec-fetch-site': 'same-site' },
    ],
  ])('that is foreign cannot open an event stream: %s', async (_how, headers) => {
    for (const server of [closed, open]) {
      const reply = await openEventStream(server, headers);
      expect(reply.status).toBe(403);
      expect(reply.body).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    }
  });

  test.each<[string, Record<string, string>]>([
    ['a page of the server', { 'sec-fetch-site': 'same-origin' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['a page of CORS_ORIGINS', { origin: 'https://one.example', 'sec-fetch-site': 'cross-site' }],
    ['no page', {}],
  ])('does not matter to an event stream opened by %s', async (_how, headers) => {
    expect((await openEventStream(open, headers)).status).toBe(200);
  });

  test.each(['https://one.example', 'http://other.example:8080'])(
    'of CORS_ORIGINS, %s, is accepted, and may see the answer',
    async (origin) => {
      const asked = await preflight(open, origin);
      expect(asked.status).toBe(204);
      expect(asked.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-headers': 'content-type',
        'access-control-allow-methods': expect.stringContaining('POST'),
        vary: expect.stringContaining('Origin'),
      });
      const reply = await conceive(open, { origin });
      expect(reply.status).toBe(200);
      expect(reply.body.data.conceive).not.toBeNull();
      expect(reply.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'x-request-id, retry-after, www-authenticate',
        vary: expect.stringContaining('Origin'),
      });
      // With credentials allowed, the server would have to guard against cross-site request forgery.
      expect(reply.headers['access-control-allow-credentials']).toBeUndefined();
      // The page may see a refusal as well.
      const refused = await send(open, { headers: { ...JSON_BODY, origin }, body: '{' });
      expect(refused.headers['access-control-allow-origin']).toBe(origin);
    },
  );

  test('is foreign if its scheme or port differs from those of CORS_ORIGINS', async () => {
    for (const origin of ['http://one.example', 'https://one.example:444', 'https://ONE.example']) {
      expect((await conceive(open, { origin })).status).toBe(403);
    }
  });

  test('that is foreign gets no CORS headers in answer to a preflight', async () => {
    for (const server of [closed, open]) {
      expect((await preflight(server, 'https://foreign.example')).headers).not.toHaveProperty(
        'access-control-allow-origin',
      );
    }
    expect(corsHeadersOf(await preflight(closed, 'https://one.example'))).toEqual([]);
  });
});

describe('a host', () => {
  test.each([
    'localhost',
    'LOCALHOST:1',
    'Localhost:65535',
    '127.0.0.1',
    '127.0.0.1:80',
    '[::1]',
    '[::1]:4000',
  ])('of this machine, %s, is answered', async (host) => {
    const reply = await conceive(closed, { host });
    expect(reply.status).toBe(200);
    expect(reply.body.data.conceive).not.toBeNull();
  });

  test.each([
    'rebound.example',
    'rebound.example:4000',
    'localhost.rebound.example',
    'rebound.example.localhost:4000',
    'localhost.',
    '127.0.0.1.rebound.example',
    '127.0.0.2',
    '2130706433',
    '[::]',
    '::1',
    'localhost:4000:4000',
    'localhost@rebound.example',
  ])(
    'name that an attacker rebound to this machine, %j, is refused on every route',
    async (host) => {
      const before = await countOf(closed);
      const ownOrigin = { host, origin: `http://${host}` };
      for (const reply of [
        await conceive(closed, { host }),
        await conceive(closed, ownOrigin),
        await send(closed, { method: 'GET', path: COUNT, headers: { ...JSON_BODY, host } }),
        await send(closed, { method: 'GET', headers: { host, accept: 'text/html' } }),
        await send(closed, { method: 'GET', path: '/nothing', headers: { host } }),
      ]) {
        expect(reply.status).toBe(403);
        expect(reply.body).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
      }
      expect(await countOf(closed)).toBe(before);
    },
  );
});
