/** The files of the playground and of the dashboard, for browsers and caches. */
import { version } from 'altair-static/package.json';
import { type TestServer, startServer } from '../harness';
import { send } from './client';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

const PLAYGROUND = `/graphql/playground/${version}`;

const files = [
  ['main.js', /^text\/javascript; charset=utf-8$/],
  ['styles.css', /^text\/css; charset=utf-8$/],
  ['favicon.ico', /^image\//],
] as const;

test.each(files)(
  '%s may be cached for ever, and is revalidated without being sent again',
  async (name, type) => {
    const path = `${PLAYGROUND}/${name}`;
    const { status, headers, text } = await send(server, { method: 'GET', path });
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(type);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(text.length).toBeGreaterThan(0);

    const head = await send(server, { method: 'HEAD', path });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-length']).toBe(headers['content-length']);

    const { etag = '' } = headers;
    expect(etag).toMatch(/^"[^"]+"$/);
    for (const known of [etag, `"other", W/${etag}`, '*']) {
      const again = await send(server, {
        method: 'GET',
        path,
        headers: { 'if-none-match': known },
      });
      expect(again).toMatchObject({ status: 304, text: '', headers: { etag } });
    }
    const other = await send(server, {
      method: 'GET',
      path,
      headers: { 'if-none-match': '"other"' },
    });
    expect(other.status).toBe(200);
  },
);

test('a missing file is refused like any other unknown address', async () => {
  for (const path of [
    `${PLAYGROUND}/`,
    `${PLAYGROUND}/nothing.js`,
    `${PLAYGROUND}/../package.json`,
    `${PLAYGROUND}/%2e%2e/package.json`,
    `${PLAYGROUND}/iframe-sandbox/index.html`,
    `${PLAYGROUND}/__proto__`,
    '/assets/',
    '/assets/nothing.js',
  ]) {
    const { status, body } = await send(server, { method: 'GET', path });
    expect(status).toBe(404);
    expect(body.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
  }
});

test('the dashboard’s script is compressed for a client that accepts that', async () => {
  const page = await send(server, { method: 'GET', path: '/' });
  // The tests do not build the dashboard.
  if (page.status === 404) return;
  const [, path = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(page.text) ?? [];
  const plain = await send(server, { method: 'GET', path });
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(plain.headers.vary).toBe('accept-encoding');
  const compressed = await fetch(`${server.url}${path}`, {
    headers: { 'accept-encoding': 'br, gzip' },
  });
  expect(compressed.headers.get('content-encoding')).toBe('gzip');
  expect(await compressed.text()).toBe(plain.text);
  expect(compressed.headers.get('etag')).not.toBe(plain.headers.etag);
  const refused = await send(server, {
    method: 'GET',
    path,
    headers: { 'accept-encoding': 'gzip;q=0' },
  });
  expect(refused.headers['content-encoding']).toBeUndefined();
});
