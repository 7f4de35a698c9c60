/**
 * What the recipes show on a real server: a life in a list and by itself, after a birth through them, after changes by
 * other clients, and when an answer is already outdated.
 */
import { readFileSync } from 'node:fs';
import { assertInterfaceType, buildSchema } from 'graphql';
import { fetchLives } from '../../examples/clients/fetch';
import { type Life, type Lives, possibleTypes } from '../../examples/clients/lives';
import { Bystanders } from '../api/Bystanders';
import { dataOf, send } from '../api/client';
import { livingIn } from '../api/lives';
import { type TestServer, startServer } from '../harness';
import { RECIPES, Screen, until } from './recipes';

const BIRTH = 'mutation ($id: ID!) { birth(id: $id) { __typename } }';
const DEATH = 'mutation ($id: ID!) { die(id: $id) { __typename } }';

let server: TestServer;
let bystanders: Bystanders;
let id: string;
/** The requests of the recipe alone, because the tests' own requests do not use `fetch`. */
let requests: jest.SpiedFunction<typeof fetch>;
let complaints: unknown[];

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
});

afterAll(async () => {
  await bystanders.leave();
  await server.stop();
});

beforeEach(async () => {
  id = await livingIn(server, 'Gestating');
  requests = jest.spyOn(globalThis, 'fetch');
  complaints = [];
  for (const level of ['warn', 'error'] as const) {
    jest.spyOn(console, level).mockImplementation((...complaint) => {
      complaints.push(complaint);
    });
  }
});

afterEach(async () => {
  jest.restoreAllMocks();
  await bystanders.expectUnchanged();
});

const alive = (): object => ({
  __typename: 'Alive',
  id,
  version: 2,
  nextEvents: ['DEATH'],
  bornAt: expect.any(String),
});

const versions = (shown: readonly (Life | null | undefined)[]): (number | undefined)[] =>
  shown.map((life) => life?.version);

describe.each(RECIPES)('$name', ({ name, connect, refetches, connectByDefault }) => {
  let lives: Lives;
  let screen: Screen;

  /** Opens the screen, and waits until both parts show the life as it was conceived. */
  const open = async (connection: (url: string) => Lives): Promise<void> => {
    lives = connection(`${server.url}/graphql`);
    screen = new Screen(lives, id);
    await until(() => versions(screen.both).every((version) => version === 1));
    requests.mockClear();
  };

  const untilBothShow = async (version: number): Promise<void> => {
    await until(() => versions(screen.both).every((shown) => shown === version));
  };

  /** Runs something while the recipe follows the feed. */
  const whileFollowing = async (run: () => Promise<void>): Promise<void> => {
    const { census } = await dataOf(server, '{ census { cursor } }');
    const following = new AbortController();
    const followed = lives.follow(census.cursor, () => undefined, following.signal);
    try {
      await run();
    } finally {
      following.abort();
      await followed;
    }
  };

  beforeEach(async () => {
    await open(connect);
  });

  afterEach(async () => {
    screen.stop();
    await lives.close();
    expect(screen.failures).toEqual([]);
    // Relay warns about each life whose type changes.
    const isExpected = (complaint: unknown): boolean =>
      name === 'Relay' && String(complaint).includes('conflicting types');
    expect(complaints.filter((complaint) => !isExpected(complaint))).toEqual([]);
  });

  test('a birth is shown in the list and in the single life, by no more requests than its cache needs', async () => {
    expect(await lives.birth(id)).toEqual(alive());
    await untilBothShow(2);
    expect(screen.both).toEqual([alive(), alive()]);
    expect(requests).toHaveBeenCalledTimes(1 + refetches);
  });

  test('the loser of a race sees who won', async () => {
    await dataOf(server, BIRTH, { id });
    expect(await lives.birth(id)).toMatchObject({
      __typename: 'IllegalTransition',
      message: expect.stringContaining('Alive'),
      life: alive(),
    });
    await untilBothShow(2);
    expect(screen.both).toEqual([alive(), alive()]);
    expect(requests).toHaveBeenCalledTimes(1 + refetches);
  });

  test('a change by another client is shown from the feed', async () => {
    await whileFollowing(async () => {
      await dataOf(server, BIRTH, { id });
      await untilBothShow(2);
    });
    expect(screen.both).toEqual([alive(), alive()]);
    expect(requests).toHaveBeenCalledTimes(refetches);
  });

  test('the answer to a replay, which is outdated, does not replace newer data', async () => {
    await whileFollowing(async () => {
      expect(await lives.birth(id, 'the one birth')).toEqual(alive());
      await dataOf(server, DEATH, { id });
      await untilBothShow(3);
      expect(await lives.birth(id, 'the one birth')).toEqual(alive());
      // By the time of this answer, the screen would have shown the older data.
      expect((await lives.birth(id)).__typename).toBe('IllegalTransition');
    });
    expect(screen.both).toMatchObject([{ __typename: 'Dead' }, { __typename: 'Dead' }]);
    for (const shown of [
      versions(screen.lists.map((list) => list.find((life) => life.id === id))),
      versions(screen.details),
    ]) {
      expect(shown).toEqual([...shown].sort());
    }
  });

  test('a birth whose answer is lost is sent again, and happens once', async () => {
    const { fetch: really } = globalThis;
    requests.mockImplementationOnce(async (...request) => {
      await really(...request);
      throw new TypeError('The connection was lost.');
    });
    expect(await lives.birth(id)).toEqual(alive());
    const [first, second] = requests.mock.calls.map(([, options]) => options?.body);
    expect(second).toEqual(first);
    await untilBothShow(2);
  });

  test('an invalid request shows its error, and is not sent again', async () => {
    await expect(lives.birth('nobody')).rejects.toThrow();
    expect(requests).toHaveBeenCalledTimes(1);
    const { signal } = new AbortController();
    await expect(lives.follow('nowhere', () => undefined, signal)).rejects.toThrow(
      'The feed cannot be followed.',
    );
  });

  test('an unknown life is shown as none, and a missing server as a failure', async () => {
    const unknownId = '00000000-0000-4000-8000-000000000000';
    const empty = new Screen(lives, unknownId);
    await until(() => empty.details.length > 0);
    expect(empty.details).toEqual([null]);
    empty.stop();
    const nowhere = connect('http://127.0.0.1:9/graphql');
    const broken = new Screen(nowhere, id);
    await until(() => broken.failures.length === 2);
    expect([...broken.lists, ...broken.details]).toEqual([]);
    broken.stop();
    await nowhere.close();
  });

  if (connectByDefault) {
    test('with the library’s default cache, the view keeps showing the past', async () => {
      screen.stop();
      await lives.close();
      await open(connectByDefault);
      expect(await lives.birth(id)).toMatchObject({ __typename: 'Alive', version: 2 });
      // By the time of this answer, the screen would have shown anything newer.
      expect((await lives.birth(id)).__typename).toBe('IllegalTransition');
      expect(screen.details.at(-1)).toMatchObject({ __typename: 'Gestating' });
      // Graphcache warns that it does not know which types are values.
      complaints = [];
    });
  }
});

test('fetch: a view keeps what the feed delivers while it loads, instead of the older data that it loads', async () => {
  const lives = fetchLives(`${server.url}/graphql`);
  const { census } = await dataOf(server, '{ census { cursor } }');
  const { fetch: really } = globalThis;
  let release = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isLoaded = false;
  requests.mockImplementationOnce(async (...request) => {
    const response = await really(...request);
    isLoaded = true;
    await told;
    return response;
  });
  const details: (Life | null)[] = [];
  const fail = jest.fn();
  const stop = lives.watchLife(id, { show: (shown) => details.push(shown), fail });
  await until(() => isLoaded);
  const following = new AbortController();
  const followed = lives.follow(
    census.cursor,
    () => {
      release();
    },
    following.signal,
  );
  await dataOf(server, BIRTH, { id });
  await until(() => details.length > 0);
  expect(details).toEqual([alive()]);
  expect(fail).not.toHaveBeenCalled();
  stop();
  following.abort();
  await followed;
  await lives.close();
});

test('a query that urql sends by GET, its default, is refused, because a foreign page could send it, too', async () => {
  const query = encodeURIComponent('{ __typename }');
  const { status } = await send(server, { method: 'GET', path: `/graphql?query=${query}` });
  expect(status).toBe(400);
});

test('the caches know all types that a life or a refusal can have', () => {
  const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
  const types = ['Life', 'TransitionError'].map((name) => [
    name,
    schema.getPossibleTypes(assertInterfaceType(schema.getType(name))).map((type) => type.name),
  ]);
  expect(possibleTypes).toEqual(Object.fromEntries(types));
});
