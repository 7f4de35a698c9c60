/** Text that is not UTF-8. The server refuses it everywhere, and never decodes it to something else. */
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { JSON_BODY, ask, dataOf, send } from './client';
import { livingIn } from './lives';

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
});

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  try {
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

const BIRTH =
  'mutation ($id: ID!, $key: String) { birth(id: $id, idempotencyKey: $key) { __typename } }';

const phaseOf = async (id: string): Promise<unknown> =>
  (await dataOf(server, 'query ($id: ID!) { life(id: $id) { phase } }', { id })).life.phase;

/** Sends bytes that `send` cannot, and expects a refusal. */
async function expectRefused(headers: Record<string, string>, body: Buffer): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${server.url}/graphql`, { method: 'POST', headers }, resolve)
      .on('error', reject)
      .end(body);
  });
  expect(response.statusCode).toBe(400);
  expect(await json(response)).toEqual({
    errors: [
      {
        message: expect.stringContaining('UTF-8'),
        extensions: { code: 'BAD_REQUEST', requestId: expect.any(String) },
      },
    ],
  });
}

/** A birth with a key of these bytes. */
function birthUnder(id: string, key: Buffer): Buffer {
  const body = JSON.stringify({ query: BIRTH, variables: { id, key: '<key>' } });
  const [before = '', after = ''] = body.split('<key>');
  return Buffer.concat([Buffer.from(before), key, Buffer.from(after)]);
}

const notUtf8: readonly (readonly [what: string, key: Buffer])[] = [
  ['a byte of ISO 8859-1', Buffer.from('Z\u00fcrich', 'latin1')],
  ['another byte of ISO 8859-1', Buffer.from('Z\u00f6rich', 'latin1')],
  ['a truncated character', Buffer.from('Zürich').subarray(0, 2)],
  ['an overlong form', Buffer.from([0xc1, 0xa1])],
  ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
  ['a code point beyond Unicode', Buffer.from([0xf5, 0x80, 0x80, 0x80])],
];

describe('a body', () => {
  test.each(notUtf8)('with %s is refused, and changes nothing', async (_what, key) => {
    const id = await livingIn(server, 'Gestating');
    for (const accept of ['application/json', 'text/event-stream']) {
      await expectRefused({ ...JSON_BODY, accept }, birthUnder(id, key));
    }
    expect(await phaseOf(id)).toBe('GESTATING');
  });

  test('that declares another charset is refused, even if its bytes are valid UTF-8', async () => {
    const id = await livingIn(server, 'Gestating');
    const body = birthUnder(id, Buffer.from('Zürich'));
    for (const charset of ['iso-8859-1', '"windows-1252"', 'utf-16', 'utf-8; charset=latin1']) {
      await expectRefused({ 'content-type': `application/json; charset=${charset}` }, body);
    }
    expect(await phaseOf(id)).toBe('GESTATING');
  });

  test.each(['charset=utf-8', 'charset=UTF-8', 'Charset="utf8"', 'profile=x'])(
    'of UTF-8 is accepted with %s, and a key is stored unchanged',
    async (parameter) => {
      const id = await livingIn(server, 'Gestating');
      const birth = async (key: string): Promise<unknown> => {
        const { body } = await send(server, {
          headers: { 'content-type': `application/json; ${parameter}` },
          body: birthUnder(id, Buffer.from(key)).toString(),
        });
        return body.data.birth.__typename;
      };
      expect(await birth('Zürich 💀')).toBe('Alive');
      expect(await birth('Zürich 💀')).toBe('Alive');
      expect(await birth('Zorich 💀')).toBe('IllegalTransition');
    },
  );
});

test('a key with half a surrogate pair, escaped in JSON, is refused, because PostgreSQL cannot store it faithfully', async () => {
  const id = await livingIn(server, 'Gestating');
  for (const key of ['\ud800', 'a\udfff', '\udc00\ud800']) {
    const { errors } = await ask(server, BIRTH, { id, key });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    const literal = BIRTH.replace('$key)', `${JSON.stringify(key)})`).replace(', $key: String', '');
    const inDocument = await ask(server, literal, { id });
    expect(inDocument.errors).toMatchObject([{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }]);
  }
  expect(await phaseOf(id)).toBe('GESTATING');
});

describe('a query string', () => {
  const variables = '&variables=%7B%22id%22%3A%22';
  const malformed = ['%FF', '%C3', '%C1%A1', '%ED%A0%80', '%F5%80%80%80', '%ZZ', '%'];

  test.each(malformed)('with %s is refused', async (octets) => {
    for (const path of [
      `/graphql?query=%7B__typename%7D${variables}${octets}%22%7D`,
      `/graphql?query=%7B__typename%7D&${octets}=1`,
    ]) {
      for (const accept of ['application/json', 'text/event-stream']) {
        const { status, body } = await send(server, { method: 'GET', path, headers: { accept } });
        expect(status).toBe(400);
        expect(body.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
      }
    }
  });

  test('of UTF-8 is accepted', async () => {
    const query = encodeURIComponent('{ ok: __typename } # Zürich 💀');
    const { body } = await send(server, {
      method: 'GET',
      path: `/graphql?query=${query}`,
      headers: JSON_BODY,
    });
    expect(body).toEqual({ data: { ok: 'Query' } });
  });
});
