/**
 * The recipes at a server that requires a token: a caller without one gets its final refusal at once, and the code of a
 * closed socket ends the following.
 */
import { Client } from 'pg';
import { livingIn } from '../api/lives';
import { contentsOf } from '../api/store';
import { type TestDatabase, type TestServer, createTestDatabase, startServer } from '../harness';
import { RECIPES, Screen, until } from './recipes';

let database: TestDatabase;
let server: TestServer;
let owner: Client;
/** The id of an unknown life, and an empty list. */
let id: string;
let before: Awaited<ReturnType<typeof contentsOf>>;
/** The requests of the recipe. */
let requests: jest.SpiedFunction<typeof fetch>;

beforeAll(async () => {
  database = await createTestDatabase();
  const open = await startServer({ DATABASE_URL: database.url });
  id = await livingIn(open, 'Gestating');
  await open.stop();
  server = await startServer({
    DATABASE_URL: database.url,
    AUTH: 'jwt',
    AUTH_JWT_SECRET: 'a secret of the test'.repeat(4),
  });
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  before = await contentsOf(owner);
});

afterAll(async () => {
  await owner.end();
  await server.stop();
  await database.drop();
});

beforeEach(() => {
  requests = jest.spyOn(globalThis, 'fetch');
});

afterEach(async () => {
  jest.restoreAllMocks();
  expect(await contentsOf(owner)).toEqual(before);
});

describe.each(RECIPES)('$name', ({ connect }) => {
  test('a request without a token is refused, and not sent again', async () => {
    const lives = connect(`${server.url}/graphql`);
    await expect(lives.birth(id)).rejects.toThrow();
    expect(requests).toHaveBeenCalledTimes(1);
    expect((await requests.mock.results[0]?.value)?.status).toBe(401);
    await lives.close();
  });

  test('views without a token show that they have failed', async () => {
    const lives = connect(`${server.url}/graphql`);
    const screen = new Screen(lives, id);
    await until(() => screen.failures.length === 2);
    expect([...screen.lists, ...screen.details]).toEqual([]);
    screen.stop();
    await lives.close();
  });

  test('a socket closed with 4401 ends the following, with a message', async () => {
    const lives = connect(`${server.url}/graphql`);
    const { signal } = new AbortController();
    await expect(lives.follow('nowhere', () => undefined, signal)).rejects.toMatchObject({
      message: 'The feed cannot be followed.',
      errors: [{ message: expect.stringContaining('Unauthorized'), extensions: { code: 4401 } }],
    });
    await lives.close();
  });
});
