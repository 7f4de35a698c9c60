/**
 * Finds the caller of a signed token, by the same rules for all transports. Knows JSON Web Tokens and the HTTP
 * headers that carry them, but neither the request nor what a scope allows.
 */
import type { FastifyBaseLogger } from 'fastify';
import { type JWTPayload, type JWTVerifyGetKey, type JWTHeaderParameters, jwtVerify } from 'jose';
import { IssuerKeys, KeysUnavailable } from './issuerKeys';

export { KeysUnavailable };

/** Which tokens are accepted. */
export interface TokenRules {
  /** Where the issuer publishes its keys, or the secret that it signs with. */
  readonly keys: { readonly url: string } | { readonly secret: string };
  /** The required claims `iss` and `aud`; undefined if any value will do, or none. */
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** The client of a valid token. */
export interface Caller {
  /** The token's subject. */
  readonly actor: string;
  readonly scopes: ReadonlySet<string>;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The request has no valid token. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated';

  /** @param challenge the value of `WWW-Authenticate`, by RFC 6750 */
  constructor(
    message: string,
    readonly challenge: string,
  ) {
    super(message);
  }
}

/**
 * The token must not choose its algorithm: with HS256 and a published key as the secret, any client could sign tokens
 * (algorithm confusion).
 */
const ALGORITHMS = {
  secret: ['HS256'],
  published: [
    ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
    ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ],
};

/** By how much the issuer's clock may be ahead of the server's, in seconds. */
const CLOCK_TOLERANCE = 5;

/** The longest timeout of Node, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** RFC 6750, section 2.1. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/**
 * Subjects that PostgreSQL can hold, up to the length that OpenID Connect allows. They are recorded for good and
 * shown in logs and on pages. So they must not contain line ends, invisible characters or changes of text direction,
 * by which one name can look like another. The two joiners that scripts and emoji need are allowed.
 */
const SUBJECT = /^(?:[\u200C\u200D]|[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]){1,255}$/u;

/** The types of access tokens: by RFC 9068, and as most issuers write them. */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt']);

/** Checks tokens. */
export class Authentication {
  readonly #keyOf: JWTVerifyGetKey;
  readonly #options: Parameters<typeof jwtVerify>[2];

  /** @param now a clock for the age of the issuer's keys, in milliseconds since any moment */
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
   * @param authorization the value of the header, or of the same parameter in a socket's first message
   * @throws Unauthenticated if there is no valid token
   * @throws KeysUnavailable if the token cannot be checked
   */
  async callerOf(authorization: unknown): Promise<Caller> {
    if (authorization === undefined) {
      throw new Unauthenticated('A token is required: Authorization: Bearer ….', 'Bearer');
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
    // The tolerance is meant for tokens that are not valid yet. It must not postpone a token's expiry.
    if (expiresAt <= Date.now()) throw invalid();
    if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw invalid();
    const words = typeof scope === 'string' ? scope.split(' ') : [];
    return { actor: sub, scopes: new Set(words), expiresAt };
  }
}

/** Does not say why, which would help an attacker. */
function invalid(): Unauthenticated {
  return new Unauthenticated(
    'The token is invalid or has expired.',
    'Bearer error="invalid_token"',
  );
}

/**
 * Whether a token is an access token. Others, such as logout tokens, name another type. An ID token has no type of
 * its own, but has the hash of the access token or the code that it was issued with.
 */
function isForAccess({ typ = 'JWT' }: JWTHeaderParameters, claims: JWTPayload): boolean {
  return TYPES.has(typ.toLowerCase()) && !('at_hash' in claims) && !('c_hash' in claims);
}

function sharedSecret(secret: string): JWTVerifyGetKey {
  const key = new TextEncoder().encode(secret);
  return () => key;
}

/** Calls back when the caller's token has expired. @returns a function that cancels the callback */
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
