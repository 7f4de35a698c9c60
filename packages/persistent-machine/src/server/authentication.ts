/**
 * Whom a signed token speaks for: one set of rules, however a request travels. Knows JSON Web Tokens, and the HTTP
 * headers that carry them; not what is asked for, nor what a scope allows.
 */
import type { FastifyBaseLogger } from 'fastify';
import { type JWTPayload, type JWTVerifyGetKey, type JWTHeaderParameters, jwtVerify } from 'jose';
import { IssuerKeys, KeysUnavailable } from './issuerKeys';

export { KeysUnavailable };

/** Whose tokens are taken. */
export interface TokenRules {
  /** Where the issuer publishes its keys, or the secret that it signs with. */
  readonly keys: { readonly url: string } | { readonly secret: string };
  /** What the claims `iss` and `aud` must be; undefined: anything, or not there. */
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** Whom a valid token speaks for. */
export interface Caller {
  /** The token's subject. */
  readonly actor: string;
  readonly scopes: ReadonlySet<string>;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
}

/** There is no valid token. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated';

  /** @param challenge what RFC 6750 has a client told in `WWW-Authenticate` */
  constructor(
    message: string,
    readonly challenge: string,
  ) {
    super(message);
  }
}

/** Ours to say, never the token's: with a published key for a secret anybody could sign. */
const ALGORITHMS = {
  secret: ['HS256'],
  published: [
    ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
    ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ],
};

/** By how much an issuer's clock may be ahead of ours, in seconds. */
const CLOCK_TOLERANCE = 5;

/** The longest time that Node can wait, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** RFC 6750, section 2.1. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/**
 * What the database can hold, and a log may have; as long as OpenID Connect allows. It is recorded for good and shown
 * in many places, so none of the characters that end a line, are not seen or turn the direction of a text, by which
 * one name can look like another; but the two by which scripts and emoji join their letters.
 */
const SUBJECT = /^(?:[\u200C\u200D]|[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]){1,255}$/u;

/** As RFC 9068 has it, and as most issuers say of an access token. */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt']);

/** Checks tokens by the rules that it is made with. */
export class Authentication {
  readonly #keyOf: JWTVerifyGetKey;
  readonly #options: Parameters<typeof jwtVerify>[2];

  /** @param now by which it is counted how old an issuer's keys are, in milliseconds since any moment */
  constructor(
    { keys, issuer, audience }: TokenRules,
    log: FastifyBaseLogger,
    now: () => number = () => performance.now(),
  ) {
    this.#keyOf =
      'url' in keys ? new IssuerKeys(keys.url, log, now).keyOf : sharedSecret(keys.secret);
    this.#options = {
      algorithms: 'url' in keys ? ALGORITHMS.published : ALGORITHMS.secret,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_TOLERANCE,
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    };
  }

  /**
   * @param authorization as it came, in a header or in the first message of a socket
   * @throws Unauthenticated, KeysUnavailable
   */
  async callerOf(authorization: unknown): Promise<Caller> {
    if (authorization === undefined) {
      throw new Unauthenticated('A token is needed: Authorization: Bearer ….', 'Bearer');
    }
    const [, token] = BEARER.exec(typeof authorization === 'string' ? authorization : '') ?? [];
    if (token === undefined) throw invalid();
    const { payload, protectedHeader } = await jwtVerify(token, this.#keyOf, this.#options).catch(
      (error: unknown) => {
        throw error instanceof KeysUnavailable ? error : invalid();
      },
    );
    if (!isForAccess(protectedHeader, payload)) throw invalid();
    const { sub, exp = 0, scope } = payload;
    const expiresAt = exp * 1_000;
    // The tolerance is for a token that is not valid yet; none is valid for longer than it says.
    if (expiresAt <= Date.now()) throw invalid();
    if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw invalid();
    const words = typeof scope === 'string' ? scope.split(' ') : [];
    return { actor: sub, scopes: new Set(words), expiresAt };
  }
}

/** Not why: that is nobody's business but the issuer's. */
function invalid(): Unauthenticated {
  return new Unauthenticated(
    'The token is not valid, or not any more.',
    'Bearer error="invalid_token"',
  );
}

/**
 * Not what says of itself that it is for something else, as one that tells of a logout. An ID token has no type of its
 * own; but the hash of the access token, or of the code, that it came with.
 */
function isForAccess({ typ = 'JWT' }: JWTHeaderParameters, claims: JWTPayload): boolean {
  return TYPES.has(typ.toLowerCase()) && !('at_hash' in claims) && !('c_hash' in claims);
}

function sharedSecret(secret: string): JWTVerifyGetKey {
  const key = new TextEncoder().encode(secret);
  return () => key;
}

/** @returns how to call it off */
export function onceExpired({ expiresAt }: Caller, callback: () => void): () => void {
  const wait = (): NodeJS.Timeout =>
    setTimeout(
      () => {
        if (Date.now() < expiresAt) timer = wait();
        else callback();
      },
      Math.min(expiresAt - Date.now(), LONGEST_TIMEOUT),
    );
  let timer = wait();
  return () => {
    clearTimeout(timer);
  };
}
