/**
 * The keys that an issuer of tokens publishes: fetched when first needed, and known for as long as the issuer does not
 * say otherwise. Owns when the issuer is asked; does not know what a token must say.
 */
import type { FastifyBaseLogger } from 'fastify';
import { type JWTVerifyGetKey, createRemoteJWKSet, errors } from 'jose';

/** The keys cannot be had, so that it cannot be known whether a token is valid. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';

  constructor(cause: unknown) {
    super('Tokens cannot be checked right now. Nothing was changed; try again later.', { cause });
  }
}

/** How long the issuer is waited for, in milliseconds. */
const TIMEOUT = 2_000;

/** How old the keys may be before the issuer is asked whether they still hold, in milliseconds. */
const LONGEST_KNOWN = 600_000;

/**
 * Between two requests to the issuer while keys are known, in milliseconds: anybody can send tokens that name keys
 * which it does not have.
 */
const PAUSE = 10_000;

/** The same while none are: each token waits for them, and its client is told to come again in a second. */
const FIRST_PAUSE = 1_000;

/**
 * A known key stays good while the issuer cannot be asked, and its tokens wait for no more than the first attempt
 * that fails. The next answer without that key ends it.
 */
export class IssuerKeys {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;
  readonly #log: FastifyBaseLogger;
  readonly #now: () => number;
  #refreshing: Promise<void> | undefined;
  /** When the issuer last answered, or failed to. */
  #askedAt = -Infinity;
  /** When it last gave its keys. */
  #knownAt: number | undefined;
  /** Why it did not, when it was last asked. */
  #failure: unknown;

  /** @param now in milliseconds since any moment */
  constructor(url: string, log: FastifyBaseLogger, now: () => number) {
    // When to ask again is for us to say.
    const forEver = { cacheMaxAge: Infinity, cooldownDuration: Infinity };
    this.#keys = createRemoteJWKSet(new URL(url), { timeoutDuration: TIMEOUT, ...forEver });
    this.#log = log;
    this.#now = now;
  }

  /** @throws KeysUnavailable where none is known, and one might be published */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.#knownAt === undefined) {
      await this.#refresh(FIRST_PAUSE);
      this.#expectAnswer();
    } else if (this.#now() - this.#knownAt >= LONGEST_KNOWN) {
      const wasThere = this.#failure === undefined;
      const refreshed = this.#refresh(PAUSE);
      if (wasThere) await refreshed;
    }
    try {
      return await this.#keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh(PAUSE);
      this.#expectAnswer();
      return this.#keys(header, token);
    }
  };

  /** Asks the issuer, unless that was done within `pause`; all who come meanwhile wait for the same answer. */
  async #refresh(pause: number): Promise<void> {
    if (this.#refreshing === undefined && this.#now() - this.#askedAt >= pause) {
      this.#refreshing = this.#ask();
    }
    await this.#refreshing;
  }

  async #ask(): Promise<void> {
    try {
      await this.#keys.reload();
      this.#knownAt = this.#now();
      if (this.#failure !== undefined) this.#log.info('The keys of AUTH_JWKS_URL are there again');
      this.#failure = undefined;
    } catch (error) {
      // Once, not for each attempt.
      if (this.#failure === undefined) {
        this.#log.error({ err: error }, 'The keys of AUTH_JWKS_URL cannot be had');
      }
      this.#failure = error;
    } finally {
      this.#askedAt = this.#now();
      this.#refreshing = undefined;
    }
  }

  #expectAnswer(): void {
    if (this.#failure !== undefined) throw new KeysUnavailable(this.#failure);
  }
}
