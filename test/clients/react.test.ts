/**
 * The page of the React recipe in a real browser, with an API of another origin that goes down and comes back. Tests
 * what the page shows of births by its button, of births by other clients, and of a history that was set back. It is in
 * StrictMode throughout.
 */
import { EventEmitter, once } from 'node:events';
import type { Browser, Page } from 'playwright-core';
import { Client } from 'pg';
import { Bystanders } from '../api/Bystanders';
import { dataOf } from '../api/client';
import { livingIn } from '../api/lives';
import { type TestDatabase, type TestServer, createTestDatabase, startServer } from '../harness';
import { launchBrowser } from '../harness/browser';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { keep } from '../harness/setBack';
import { Frontend, ReactPage } from './ReactPage';

jest.setTimeout(180_000);

const BIRTH = 'mutation ($id: ID!) { birth(id: $id) { __typename } }';
const DEATH = 'mutation ($id: ID!) { die(id: $id) { __typename } }';

let database: TestDatabase;
let owner: Client;
/** The server of the other clients, which stays up. */
let others: TestServer;
/** The server of the page. */
let api: ServerProcess;
let frontend: Frontend;
let browser: Browser;
let bystanders: Bystanders;
let id: string;
let shown: ReactPage;
/** The complaints that the page may log. */
let provoked: RegExp;

const startApi = async (port = '0'): Promise<void> => {
  const environment = { DATABASE_URL: database.url, CORS_ORIGINS: frontend.origin, PORT: port };
  api = await startProcess(environment);
  frontend.api = serverOf(api).url;
};

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  others = await startServer({ DATABASE_URL: database.url });
  bystanders = await Bystanders.of({ ...others, database });
  frontend = await Frontend.start();
  await startApi();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await frontend.stop();
  await bystanders.leave();
  await owner.end();
  await api.stop();
  await others.stop();
  await database.drop();
});

beforeEach(async () => {
  provoked = /^$/;
  id = await livingIn(others, 'Gestating');
});

afterEach(async () => {
  await shown.close(provoked);
  await bystanders.expectUnchanged();
});

/** Opens the page with the life beside the list, and clears the record of its requests. */
const open = async (prepare?: (page: Page) => Promise<unknown>): Promise<void> => {
  shown = await ReactPage.open(browser, frontend, prepare);
  await shown.select(id);
  await shown.untilBothShow(id, 'Gestating');
  shown.requests.length = 0;
};

/** The page can connect, but its socket delivers nothing, so all that it shows comes from its own requests. */
const withoutFeed = async (page: Page): Promise<void> =>
  page.routeWebSocket('**/graphql', () => undefined);

const operations = (): readonly string[] =>
  shown.requests.map(({ operationName }) => operationName);

const historyOf = async (): Promise<readonly string[]> => {
  const { life } = await dataOf(
    others,
    'query ($id: ID!) { life(id: $id) { history { nodes { event } } } }',
    { id },
  );
  return (life.history.nodes as { event: string }[]).map(({ event }) => event);
};

test('a birth by the button is shown in the list and in the single life, by one request', async () => {
  await open(withoutFeed);
  await shown.birth.click();
  await shown.untilBothShow(id, 'Alive');
  await shown.untilTold('status', 'The birth is recorded.');
  expect(await shown.birth.isDisabled()).toBe(true);
  expect(operations()).toEqual(['Birth']);
});

test('the loser of a race sees who won, by one request', async () => {
  await open(withoutFeed);
  await dataOf(others, DEATH, { id });
  await shown.birth.click();
  await shown.untilTold('status', 'Another client was first: the life is Dead.');
  await shown.untilBothShow(id, 'Dead');
  expect(operations()).toEqual(['Birth']);
});

test('a birth whose answer is lost is sent again with the same key, and happens once', async () => {
  provoked = /ERR_FAILED/;
  await open(withoutFeed);
  await shown.page.route(
    '**/graphql',
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await shown.birth.click();
  await shown.untilTold('status', 'The birth is recorded.');
  await shown.untilBothShow(id, 'Alive');
  const [first, second] = shown.requests;
  expect(operations()).toEqual(['Birth', 'Birth']);
  expect(second?.variables).toEqual(first?.variables);
  expect(first?.variables).toEqual({ id, idempotencyKey: expect.any(String) });
  expect(await historyOf()).toEqual(['CONCEPTION', 'BIRTH']);
});

test('a birth that fails for good says why, and the button works again', async () => {
  await open();
  const errors = [{ message: 'Broken.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }];
  const headers = { 'access-control-allow-origin': '*' };
  await shown.page.route('**/graphql', (route) => route.fulfill({ json: { errors }, headers }), {
    times: 1,
  });
  await shown.birth.click();
  await shown.untilTold('alert', 'Broken.');
  await shown.birth.click();
  await shown.untilBothShow(id, 'Alive');
  await shown.page.getByRole('alert').waitFor({ state: 'detached' });
});

test('the page shows other clients’ changes from the feed, without a request', async () => {
  await open();
  await dataOf(others, BIRTH, { id });
  await shown.untilBothShow(id, 'Alive');
  const conceived = await livingIn(others, 'Gestating');
  await shown.row(conceived).waitFor();
  expect((await shown.list())[0]).toContain(conceived);
  expect(operations()).toEqual([]);
});

test('an answer that is older than what the page shows changes nothing', async () => {
  await open();
  const signals = new EventEmitter();
  const released = once(signals, 'released');
  await shown.page.route('**/graphql', async (route) => {
    const response = await route.fetch();
    signals.emit('born');
    await released;
    await route.fulfill({ response });
  });
  const born = once(signals, 'born');
  await shown.birth.click();
  await born;
  await dataOf(others, DEATH, { id });
  await shown.untilBothShow(id, 'Dead');
  await shown.page.evaluate(`
    seen = new Set();
    new MutationObserver(() => seen.add(document.querySelector('h1').textContent))
      .observe(document.body, { subtree: true, childList: true, characterData: true });
  `);
  signals.emit('released');
  await shown.untilTold('status', 'The birth is recorded.');
  await shown.untilBothShow(id, 'Dead');
  expect(await shown.page.evaluate('[...seen]')).toEqual(['Dead']);
});

test('a transition during the load of the list is shown with it', async () => {
  const signals = new EventEmitter();
  const asked = once(signals, 'asked');
  const released = once(signals, 'released');
  shown = await ReactPage.open(browser, frontend, (page) =>
    page.route('**/graphql', async (route) => {
      if (route.request().postDataJSON().operationName !== 'Lives') return route.continue();
      const response = await route.fetch();
      signals.emit('asked');
      await released;
      return route.fulfill({ response });
    }),
  );
  await asked;
  await dataOf(others, BIRTH, { id });
  const conceived = await livingIn(others, 'Gestating');
  signals.emit('released');
  await shown.row(id).getByText('Alive').waitFor();
  await shown.row(conceived).waitFor();
  expect(operations().filter((name) => name === 'Lives')).toHaveLength(1);
});

test('StrictMode mounts everything twice, and the page follows the feed once', async () => {
  shown = await ReactPage.open(browser, frontend);
  await shown.row(id).waitFor();
  const conceived = await livingIn(others, 'Gestating');
  await shown.row(conceived).waitFor();
  expect(operations()).toEqual(['Census', 'Census', 'Lives']);
  const subscriptions = shown.messages.filter(({ type }) => type === 'subscribe');
  expect(subscriptions).toHaveLength(1);
});

test('when an API comes back, the page follows it again, misses nothing, and finishes the birth that it was asked for meanwhile', async () => {
  provoked = /ERR_CONNECTION|WebSocket/;
  await open();
  const { port } = new URL(serverOf(api).url);
  api.child.kill('SIGKILL');
  await api.ended;
  await shown.birth.click();
  await shown.birth.getByText('Being born…').waitFor();
  const away = await livingIn(others, 'Dead');
  await startApi(port);
  await shown.untilTold('status', 'The birth is recorded.');
  await shown.untilBothShow(id, 'Alive');
  await shown.row(away).getByText('Dead').waitFor();
  const last = await livingIn(others, 'Gestating');
  await shown.row(last).waitFor();

  const { lives } = await dataOf(
    others,
    '{ lives(order: NEWEST_FIRST) { nodes { id __typename } } }',
  );
  const expected = (lives.nodes as { id: string; __typename: string }[]).map(
    (life) => `${life.id} ${life.__typename}`,
  );
  expect((await shown.list()).slice(0, expected.length)).toEqual(expected);
  expect(new Set(operations())).toEqual(new Set(['Birth']));
  expect(new Set(shown.requests.map(({ variables }) => JSON.stringify(variables))).size).toBe(1);
});

test('after a database was set back, the page shows its current state, and follows it from there', async () => {
  const restore = await keep(owner);
  await open();
  await dataOf(others, BIRTH, { id });
  const undone = await livingIn(others, 'Gestating');
  await shown.untilBothShow(id, 'Alive');
  await shown.row(undone).waitFor();
  await restore();
  await shown.untilBothShow(id, 'Gestating');
  await shown.row(undone).waitFor({ state: 'detached' });
  await dataOf(others, BIRTH, { id });
  await shown.untilBothShow(id, 'Alive');
  expect(operations()).toEqual(['Census', 'Lives', 'Life']);
});
