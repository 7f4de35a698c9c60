/**
 * What a client of the API needs and no client library has: the newest version on the page, safe retries, and a feed
 * that resumes at its cursor. Knows no client library.
 */
import type { Life, Stop, Transition } from './lives';

/** Keeps the newest version of each life, so that no view goes back to an older one. */
export class Newest {
  readonly #lives = new Map<string, Life>();

  /**
   * A cache keeps what arrived last, which may be older: answers overtake each other, and a retry with the same
   * idempotency key answers the life right after its birth.
   *
   * @returns the newest known version of this life
   */
  of(life: Life): Life {
    const known = this.#lives.get(life.id);
    if (known && known.version >= life.version) return known;
    this.#lives.set(life.id, life);
    return life;
  }
}

/** The errors of an answer; empty if there was no answer. */
export type Errors = readonly { readonly extensions?: { readonly code?: unknown } | undefined }[];

/** The codes of temporary errors. A retry after any other error would fail again. */
const PASSING: readonly unknown[] = [
  'DATABASE_UNAVAILABLE',
  'LAGGED',
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
];
const passes = (errors: Errors): boolean =>
  errors.every(({ extensions }) => PASSING.includes(extensions?.code));

/**
 * Turns a close code from 4400 to 4499 into GraphQL errors: the server would refuse a retry as well, for example with
 * the same expired token.
 *
 * @param error from graphql-ws: a list of GraphQL errors, or the event that closed the socket
 * @returns a list of GraphQL errors, or the same error if a retry may succeed
 */
export function refusalIn(error: unknown): unknown {
  const { code, reason } = Object(error) as { readonly code?: unknown; readonly reason?: unknown };
  if (typeof code !== 'number' || code < 4_400 || code > 4_499) return error;
  return [{ message: `The socket was closed: ${String(reason)}`, extensions: { code } }];
}

/** How often a request is sent at most, which takes some forty seconds. */
const ATTEMPTS = 20;

/** The longest `Retry-After` that the client honours, in seconds: users do not wait for longer. */
const PATIENCE = 5;

/** @returns the server's `Retry-After` in milliseconds; 0 if there is none, or the page may not read it */
function retryAfter(response: Response | undefined): number {
  const seconds = Number(response?.headers.get('retry-after') ?? 0);
  return seconds > 0 && seconds <= PATIENCE ? seconds * 1_000 : 0;
}

/**
 * Sends a request until it is answered. A mutation needs the same idempotency key in each attempt, because it may
 * have been done although no answer came.
 *
 * @param send sends the request once, and throws if it fails; null and undefined mean that there was no answer
 * @param errorsOf finds the GraphQL errors in what `send` has thrown
 * @param responseOf finds the HTTP response in what `send` has thrown, if there was one
 * @throws what `send` has thrown, if that is not temporary, or at the last attempt
 */
export async function insist<Answer>(
  send: () => Promise<Answer | null | undefined>,
  errorsOf: (thrown: unknown) => Errors,
  responseOf: (thrown: unknown) => Response | undefined = () => undefined,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await send();
      if (answer === null || answer === undefined) throw new Error('There was no answer.');
      return answer;
    } catch (thrown) {
      if (attempt === ATTEMPTS || !passes(errorsOf(thrown))) throw thrown;
      await pause(attempt, { atLeast: retryAfter(responseOf(thrown)) });
    }
  }
}

/** Receives the events of one subscription. */
export interface Subscriber {
  readonly next: (transition: Transition) => void;
  /** Called when the subscription has failed, or its connection is lost. */
  readonly end: (errors: Errors) => void;
}

/**
 * Follows the feed across lost connections. The retries of client libraries must be off: they subscribe with the first
 * variables again, so that transitions would come twice.
 *
 * @param subscribe begins a subscription after a cursor, and returns a function that ends it
 * @throws AggregateError if a retry would fail again
 */
export async function follow(
  after: string,
  onTransition: (transition: Transition) => void,
  signal: AbortSignal,
  subscribe: (after: string, subscriber: Subscriber) => Stop,
): Promise<void> {
  let cursor = after;
  let failures = 0;
  while (!signal.aborted) {
    const errors = await untilEnd(
      (subscriber) => subscribe(cursor, subscriber),
      (transition) => {
        onTransition(transition);
        cursor = transition.cursor;
        failures = 0;
      },
      signal,
    );
    if (!passes(errors)) throw new AggregateError(errors, 'The feed cannot be followed.');
    failures += 1;
    await pause(failures, { signal });
  }
}

/** Runs one subscription to its end. Later transitions are ignored, because they would leave a gap. */
async function untilEnd(
  subscribe: (subscriber: Subscriber) => Stop,
  deal: (transition: Transition) => void,
  signal: AbortSignal,
): Promise<Errors> {
  const over = new AbortController();
  let unsubscribe: Stop | undefined;
  try {
    return await new Promise<Errors>((resolve, reject) => {
      const end = (errors: Errors): void => {
        over.abort();
        resolve(errors);
      };
      const next = (transition: Transition): void => {
        if (over.signal.aborted) return;
        try {
          deal(transition);
        } catch (thrown) {
          over.abort();
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own, as it is
          reject(thrown);
        }
      };
      signal.addEventListener(
        'abort',
        () => {
          end([]);
        },
        { signal: over.signal },
      );
      unsubscribe = subscribe({ next, end });
    });
  } finally {
    unsubscribe?.();
  }
}

/**
 * Waits for a random time of up to five seconds, which grows with each failure (exponential backoff with jitter).
 *
 * @param failures the number of failures in a row
 * @param atLeast milliseconds to wait in addition
 */
async function pause(
  failures: number,
  { signal, atLeast = 0 }: { readonly signal?: AbortSignal; readonly atLeast?: number },
): Promise<void> {
  const longest = Math.min(100 * 2 ** failures, 5_000);
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, atLeast + Math.random() * longest);
    signal?.addEventListener('abort', wake);
    if (signal?.aborted) wake();
  });
}
