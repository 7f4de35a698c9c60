/**
 * The public keys of a token issuer. Decides when they are fetched, and how long they are kept. Does not know the rules
 * for tokens.
 */
import type { FastifyBaseLogger } from 'fastify';
import { type JWTVerifyGetKey, createRemoteJWKSet, errors } from 'jose';

/** The keys cannot be fetched, so that the server cannot tell whether a token is valid. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';

  constructor(cause: unknown) {
    super('Tokens cannot be checked right now. Nothing was changed; try again later.', { cause });
  }
}

/** How long a fetch may take, in milliseconds. */
const TIMEOUT = 2_000;

/** The age at which the keys are fetched again, in milliseconds. */
const LONGEST_KNOWN = 600_000;

/**
 * The shortest time between two fetches while keys are known, in milliseconds. Any client can send tokens that name
 * unknown keys, and would otherwise make the server flood the issuer.
 */
const PAUSE = 10_000;

/** The same while no keys are known. Each client with a token waits for them, and is told to retry after a second. */
const FIRST_PAUSE = 1_000;

/**
 * A known key stays valid while the issuer cannot be reached; only the first failing fetch delays a token. The next
 * answer without that key removes it.
 */
export class IssuerKeys {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;
  readonly #log: FastifyBaseLogger;
  readonly #now: () => number;
  #refreshing: Promise<void> | undefined;
  /** When the last fetch ended, by success or failure. */
  #askedAt = -Infinity;
  /** When the last fetch succeeded. */
  #knownAt: number | undefined;
  /** Why the last fetch failed, if it did. */
  #failure: unknown;

  /** @param now a clock, in milliseconds since any moment */
  constructor(url: string, log: FastifyBaseLogger, now: () => number) {
    // This class decides when to fetch again.
    const forEver = { cacheMaxAge: Infinity, cooldownDuration: Infinity };
    this.#keys = createRemoteJWKSet(new URL(url), { timeoutDuration: TIMEOUT, ...forEver });
    this.#log = log;
    this.#now = now;
  }

  /** @throws KeysUnavailable if the key is unknown, and the issuer cannot be asked for it */
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

  /** Fetches the keys, unless the last fetch ended less than `pause` ago. Concurrent callers share one fetch. */
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
      if (this.#failure !== undefined) this.#log.info('AUTH_JWKS_URL can be reached again');
      this.#failure = undefined;
    } catch (error) {
      // Logged once for each outage.
      if (this.#failure === undefined) {
        this.#log.error({ err: error }, 'The keys at AUTH_JWKS_URL cannot be fetched');
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
