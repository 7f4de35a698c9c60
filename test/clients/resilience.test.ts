/** The recipes' shared code alone, for cases that a real server cannot be made to produce. */
import type { Transition } from '../../examples/clients/lives';
import {
  type Errors,
  type Subscriber,
  follow,
  insist,
  refusalIn,
} from '../../examples/clients/resilience';

const code = (value: string): Errors => [{ extensions: { code: value } }];
const errorsOf = (thrown: unknown): Errors => (thrown as AggregateError).errors;

/** A transition at a place in the feed; the code reads nothing else of it. */
const at = (cursor: string): Transition => ({ cursor }) as Transition;

test.each(['DATABASE_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'OVERLOADED'])(
  'a request that fails with %s is sent again',
  async (passing) => {
    const send = jest.fn<Promise<string>, []>();
    send
      .mockRejectedValueOnce(new AggregateError(code(passing)))
      .mockResolvedValueOnce('an answer');
    expect(await insist(send, errorsOf)).toBe('an answer');
    expect(send).toHaveBeenCalledTimes(2);
  },
);

test('a request that fails for good is not sent again', async () => {
  const failure = new AggregateError([...code('OVERLOADED'), ...code('BAD_USER_INPUT')]);
  const send = jest.fn<Promise<string>, []>().mockRejectedValue(failure);
  await expect(insist(send, errorsOf)).rejects.toBe(failure);
  expect(send).toHaveBeenCalledTimes(1);
});

test('a request that keeps failing is given up', async () => {
  jest.useFakeTimers();
  try {
    const failure = new AggregateError([]);
    const send = jest.fn<Promise<string>, []>().mockRejectedValue(failure);
    const given = expect(insist(send, errorsOf)).rejects.toBe(failure);
    await jest.runAllTimersAsync();
    await given;
    expect(send).toHaveBeenCalledTimes(20);
  } finally {
    jest.useRealTimers();
  }
});

test.each([
  ['1', 1_000],
  ['5', 5_000],
  // Longer than a caller would wait, and no number of seconds.
  ['600', 0],
  ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
])('Retry-After: %s makes the request wait for at least %i ms', async (header, wait) => {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(0);
  try {
    const response = new Response(null, { status: 503, headers: { 'retry-after': header } });
    const send = jest.fn<Promise<string>, []>();
    send
      .mockRejectedValueOnce(new AggregateError(code('OVERLOADED')))
      .mockResolvedValueOnce('an answer');
    const given = insist(send, errorsOf, () => response);
    if (wait > 0) {
      await jest.advanceTimersByTimeAsync(wait - 1);
      expect(send).toHaveBeenCalledTimes(1);
    }
    await jest.advanceTimersByTimeAsync(1);
    expect(await given).toBe('an answer');
  } finally {
    jest.restoreAllMocks();
    jest.useRealTimers();
  }
});

test.each([4_400, 4_401, 4_499])('a socket closed with %i is a refusal', (closeCode) => {
  expect(refusalIn({ code: closeCode, reason: 'The token has expired' })).toEqual([
    { message: 'The socket was closed: The token has expired', extensions: { code: closeCode } },
  ]);
});

test.each([{ code: 4_399 }, { code: 4_500 }, { code: 1_012 }, new Error('no'), [{}], null])(
  'a failure that may pass is not turned into a refusal: %j',
  (error) => {
    expect(refusalIn(error)).toBe(error);
  },
);

/** Follows a feed whose messages the test sends, from the cursor 0. */
function followByHand(onTransition: (transition: Transition) => void = () => undefined): {
  readonly subscriptions: { readonly after: string; readonly subscriber: Subscriber }[];
  readonly stops: jest.Mock;
  readonly following: AbortController;
  readonly followed: Promise<void>;
} {
  const subscriptions: { after: string; subscriber: Subscriber }[] = [];
  const stops = jest.fn();
  const following = new AbortController();
  const followed = follow('0', onTransition, following.signal, (after, subscriber) => {
    subscriptions.push({ after, subscriber });
    return stops;
  });
  return { subscriptions, stops, following, followed };
}

async function untilThereAre(subscriptions: readonly object[], number: number): Promise<void> {
  while (subscriptions.length < number) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('what a subscription delivers after its end is ignored, because something before it is missing', async () => {
  const seen: string[] = [];
  const { subscriptions, following, followed } = followByHand(({ cursor }) => seen.push(cursor));
  const [first] = subscriptions;
  first?.subscriber.next(at('1'));
  first?.subscriber.end(code('DATABASE_UNAVAILABLE'));
  first?.subscriber.next(at('3'));
  await untilThereAre(subscriptions, 2);
  subscriptions[1]?.subscriber.next(at('2'));
  following.abort();
  await followed;
  expect(subscriptions.map(({ after }) => after)).toEqual(['0', '1']);
  expect(seen).toEqual(['1', '2']);
});

test('a transition that the handler cannot process ends the following, and no later one is delivered', async () => {
  const seen: string[] = [];
  const failure = new Error('There is no room for it.');
  const { subscriptions, stops, followed } = followByHand(({ cursor }) => {
    seen.push(cursor);
    throw failure;
  });
  subscriptions[0]?.subscriber.next(at('1'));
  subscriptions[0]?.subscriber.next(at('2'));
  await expect(followed).rejects.toBe(failure);
  expect(seen).toEqual(['1']);
  expect(stops).toHaveBeenCalledTimes(1);
});

test('a follower that stops is unsubscribed, also while it waits to subscribe again', async () => {
  const now = followByHand();
  now.following.abort();
  await now.followed;
  expect(now.stops).toHaveBeenCalledTimes(1);

  const waiting = followByHand();
  waiting.subscriptions[0]?.subscriber.end([]);
  await new Promise((resolve) => setImmediate(resolve));
  waiting.following.abort();
  await waiting.followed;
  expect(waiting.subscriptions).toHaveLength(1);
});
