/**
 * Tests an issuer of tokens that goes away, comes back, and changes its keys: which tokens the server accepts
 * meanwhile, and how often it asks the issuer. Over HTTP, with a clock of the test.
 */
import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, SignJWT, exportJWK, generateKeyPair } from 'jose';
import pino from 'pino';
import {
  Authentication,
  KeysUnavailable,
  Unauthenticated,
} from 'persistent-machine/server/authentication';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The answer to a token's bearer: known, unknown, or that the server cannot decide now. */
type Verdict = 'known' | 'unknown' | 'unavailable';

class Issuer {
  readonly server = createServer((_request, response) => {
    this.asked += 1;
    this.answer(response);
  });
  readonly #private = new Map<string, CryptoKey>();
  readonly published = new Map<string, object>();
  asked = 0;
  answer = (response: ServerResponse): void => {
    response.end(JSON.stringify({ keys: [...this.published.values()] }));
  };

  async start(port = 0): Promise<void> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  get port(): number {
    // A server that listens on a port has an address with it.
    return (this.server.address() as AddressInfo).port;
  }

  async addKey(kid: string, isPublished = true): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    this.#private.set(kid, privateKey);
    if (isPublished) this.published.set(kid, { ...(await exportJWK(publicKey)), kid });
  }

  async sign(kid: string): Promise<string> {
    const key = this.#private.get(kid);
    if (key === undefined) throw new Error(`There is no key ${kid}.`);
    return new SignJWT({ sub: 'ada', scope: 'doors:read' })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setExpirationTime('1h')
      .sign(key);
  }
}

let issuer: Issuer;
let now: number;
let logged: string[];
let authentication: Authentication;
let known: string;
let unknown: string;

beforeEach(async () => {
  issuer = new Issuer();
  await issuer.start();
  await issuer.addKey('known');
  await issuer.addKey('unknown', false);
  known = await issuer.sign('known');
  unknown = await issuer.sign('unknown');
  now = 0;
  logged = [];
  const log = pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line).msg) });
  const keys = { url: `http://127.0.0.1:${issuer.port}/keys` };
  const rules = { keys, issuer: undefined, audience: undefined };
  authentication = new Authentication(rules, log, () => now);
});

afterEach(async () => {
  if (issuer.server.listening) await issuer.stop();
});

async function ask(token: string): Promise<Verdict> {
  try {
    await authentication.callerOf(`Bearer ${token}`);
    return 'known';
  } catch (error) {
    if (error instanceof Unauthenticated) return 'unknown';
    if (error instanceof KeysUnavailable) return 'unavailable';
    throw error;
  }
}

const fail = (response: ServerResponse): void => {
  response.writeHead(500).end();
};

/** The ways in which an issuer may be away. */
const ABSENCES: readonly (readonly [string, () => Promise<void> | void])[] = [
  ['is not there', async () => issuer.stop()],
  [
    'fails',
    () => {
      issuer.answer = fail;
    },
  ],
  [
    'answers with HTML',
    () => {
      issuer.answer = (response) => response.end('<html>');
    },
  ],
  [
    'answers without keys',
    () => {
      issuer.answer = (response) => response.end('{}');
    },
  ],
  [
    'cuts the connection',
    () => {
      issuer.answer = (response) => response.destroy();
    },
  ],
];

describe.each(ABSENCES)('an issuer that %s', (_absence, leave) => {
  test('does not affect tokens with known keys, however long it is away', async () => {
    expect(await ask(known)).toBe('known');
    await leave();
    for (const elapsed of [MINUTE, 9 * MINUTE, 2 * MINUTE, MINUTE, 60 * MINUTE, DAY, 30 * DAY]) {
      now += elapsed;
      expect(await ask(known)).toBe('known');
    }
    expect(logged).toEqual(['The keys at AUTH_JWKS_URL cannot be fetched']);
  });

  test('makes tokens with an unknown key undecidable, and does not affect known keys meanwhile', async () => {
    expect(await ask(known)).toBe('known');
    await leave();
    now += MINUTE;
    expect(await ask(unknown)).toBe('unavailable');
    expect(await ask(known)).toBe('known');
  });
});

test('the server refuses the tokens of a key once the issuer is back without it', async () => {
  const { published } = issuer;
  expect(await ask(known)).toBe('known');
  const { answer } = issuer;
  issuer.answer = fail;
  now += 60 * MINUTE;
  expect(await ask(known)).toBe('known');
  await issuer.addKey('next');
  published.delete('known');
  issuer.answer = answer;
  now += MINUTE;
  // A token with the new key waits for the issuer's answer.
  expect(await ask(await issuer.sign('next'))).toBe('known');
  expect(await ask(known)).toBe('unknown');
  expect(logged).toEqual([
    'The keys at AUTH_JWKS_URL cannot be fetched',
    'AUTH_JWKS_URL can be reached again',
  ]);
});

test('the server refuses the tokens of a withdrawn key within ten minutes, without a token with another key', async () => {
  expect(await ask(known)).toBe('known');
  issuer.published.clear();
  now += 10 * MINUTE;
  expect(await ask(known)).toBe('unknown');
});

test('the server accepts a new key of an issuer that is back at the same port', async () => {
  expect(await ask(known)).toBe('known');
  const { port } = issuer;
  await issuer.stop();
  now += 60 * MINUTE;
  expect(await ask(known)).toBe('known');
  await issuer.start(port);
  await issuer.addKey('next');
  now += MINUTE;
  expect(await ask(await issuer.sign('next'))).toBe('known');
  expect(await ask(known)).toBe('known');
});

test('tokens with a known key do not wait for an issuer that has failed and now hangs', async () => {
  expect(await ask(known)).toBe('known');
  issuer.answer = fail;
  now += 60 * MINUTE;
  expect(await ask(known)).toBe('known');
  const held: ServerResponse[] = [];
  issuer.answer = (response) => held.push(response);
  now += MINUTE;
  for (let count = 0; count < 100; count += 1) expect(await ask(known)).toBe('known');
  expect(issuer.asked).toBeLessThanOrEqual(3);
  for (const response of held) fail(response);
});

test('a flood of tokens with unknown keys costs one request to the issuer in ten seconds', async () => {
  expect(await ask(known)).toBe('known');
  expect(issuer.asked).toBe(1);
  now += MINUTE;
  const flood = async (): Promise<Set<Verdict>> =>
    new Set(await Promise.all(Array.from({ length: 500 }, async () => ask(unknown))));
  expect(await flood()).toEqual(new Set(['unknown']));
  expect(issuer.asked).toBe(2);
  now += 9_999;
  // No token waits for the issuer, either.
  issuer.answer = () => undefined;
  expect(await flood()).toEqual(new Set(['unknown']));
  expect(await ask(known)).toBe('known');
  expect(issuer.asked).toBe(2);
});

test('a flood of tokens costs a failing issuer one request in ten seconds, too', async () => {
  expect(await ask(known)).toBe('known');
  issuer.answer = fail;
  for (let minute = 1; minute <= 3; minute += 1) {
    now += MINUTE;
    const verdicts = await Promise.all(Array.from({ length: 200 }, async () => ask(unknown)));
    expect(new Set(verdicts)).toEqual(new Set(['unavailable']));
    expect(await ask(unknown)).toBe('unavailable');
    expect(issuer.asked).toBe(1 + minute);
  }
});

test('before any key is known, the server asks the issuer once a second, for all waiting tokens', async () => {
  const { answer } = issuer;
  issuer.answer = fail;
  const verdicts = await Promise.all(Array.from({ length: 200 }, async () => ask(known)));
  expect(new Set(verdicts)).toEqual(new Set(['unavailable']));
  expect(await ask(known)).toBe('unavailable');
  expect(issuer.asked).toBe(1);
  issuer.answer = answer;
  now += 1_000;
  expect(await Promise.all([ask(known), ask(known), ask(unknown)])).toEqual([
    'known',
    'known',
    'unknown',
  ]);
  expect(issuer.asked).toBe(2);
});
