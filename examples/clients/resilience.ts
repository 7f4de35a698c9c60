/**
 * What a client of the API needs and no client library has: the newest version on the screen, the same request
 * once more, and the feed from where one was. Knows no client library.
 */
import type { Life, Stop, Transition } from './lives';

/** Lives on their way to the screen, by way of which none goes back to an older version. */
export class Newest {
  readonly #lives = new Map<string, Life>();

  /**
   * A cache has what came last, and that may be older: answers overtake each other, and a replay shows the life
   * as it was right after its birth.
   */
  of(life: Life): Life {
    const known = this.#lives.get(life.id);
    if (known && known.version >= life.version) return known;
    this.#lives.set(life.id, life);
    return life;
  }
}

/** The errors of an answer; none where there was no answer at all. */
export type Errors = readonly { readonly extensions?: { readonly code?: unknown } | undefined }[];

/** Those that pass by themselves; any other is told again to whoever asks again. */
const PASSING: readonly unknown[] = [
  'DATABASE_UNAVAILABLE',
  'LAGGED',
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
];
const passes = (errors: Errors): boolean =>
  errors.every(({ extensions }) => PASSING.includes(extensions?.code));

/**
 * How a socket ended, as GraphQL's errors where it was closed with 4400 to 4499: whoever comes back with the same, as
 * with a token that has expired, is sent away again.
 *
 * @param error of graphql-ws: GraphQL's errors, or how the socket ended
 * @returns the same, where it may be another the next time
 */
export function refusalIn(error: unknown): unknown {
  const { code, reason } = Object(error) as { readonly code?: unknown; readonly reason?: unknown };
  if (typeof code !== 'number' || code < 4_400 || code > 4_499) return error;
  return [{ message: `The socket was closed: ${String(reason)}`, extensions: { code } }];
}

/** How often a request is sent before it is given up: some forty seconds. */
const ATTEMPTS = 20;

/** The longest that a server may ask for, in seconds: whoever waits for an answer would not wait for longer. */
const PATIENCE = 5;

/** How long a server asks to be left alone, in milliseconds; a page of another origin is not told. */
function retryAfter(response: Response | undefined): number {
  const seconds = Number(response?.headers.get('retry-after') ?? 0);
  return seconds > 0 && seconds <= PATIENCE ? seconds * 1_000 : 0;
}

/**
 * Sends a request until it is answered. A change must have an idempotency key, the same in each attempt: that
 * no answer came does not say that nothing was changed.
 *
 * @param send sends it once, and throws where it fails; null or undefined is no answer
 * @param errorsOf the errors of the answer, from what was thrown
 * @param responseOf the answer itself, where there was any
 * @throws what `send` has thrown, where it does not pass or the last attempt failed
 */
export async function insist<Answer>(
  send: () => Promise<Answer | null | undefined>,
  errorsOf: (thrown: unknown) => Errors,
  responseOf: (thrown: unknown) => Response | undefined = () => undefined,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await send();
      if (answer === null || answer === undefined) throw new Error('It was not answered.');
      return answer;
    } catch (thrown) {
      if (attempt === ATTEMPTS || !passes(errorsOf(thrown))) throw thrown;
      await pause(attempt, { atLeast: retryAfter(responseOf(thrown)) });
    }
  }
}

/** What a subscription is told. */
export interface Subscriber {
  readonly next: (transition: Transition) => void;
  /** Nothing comes any more: it has failed, or its connection is lost. */
  readonly end: (errors: Errors) => void;
}

/**
 * Follows the feed, across lost connections. Client libraries that subscribe again by themselves do so with the
 * variables of the first time, and everything since then comes twice: their own retries must be off.
 *
 * @param subscribe begins a subscription right after a cursor, and returns how to end it
 * @throws AggregateError where it is refused for good
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

/** One subscription. After its end nothing is dealt with any more: what comes then comes after a gap. */
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
 * Waits for up to five seconds, longer with each failure in a row, and seldom as long as others do.
 *
 * @param atLeast milliseconds, beside those
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
