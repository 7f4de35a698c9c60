/**
 * Owns that an open page misses nothing, whatever happens between its questions: each test makes a change happen in one
 * of the moments in which the page has asked, and cannot be told yet.
 */
import { EventEmitter, once } from 'node:events';
import { Client } from 'pg';
import type { Page, Route } from 'playwright-core';
import { livingIn } from '../api/lives';
import { keep } from '../harness/setBack';
import { change, live, onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { server, open, openBlank, provoke } = onDashboard();

/** In the database's own session, ended with the test. */
async function asOwner(act: (owner: Client) => Promise<void>): Promise<void> {
  const owner = new Client({ connectionString: server().database?.url ?? '' });
  await owner.connect();
  try {
    await act(owner);
  } finally {
    await owner.end();
  }
}

/** Does something about one operation that the page asks for, each time. */
const onOperation = (
  page: Page,
  operation: string,
  act: (route: Route, time: number) => Promise<void>,
): Promise<unknown> => {
  let times = 0;
  return page.route('**/graphql', async (route) => {
    if (route.request().postDataJSON().operationName !== operation) return route.fallback();
    times += 1;
    return act(route, times);
  });
};

const inHistory = (page: Page, version: number): Promise<void> =>
  page.getByRole('region', { name: 'History' }).getByText(`version ${version}`).waitFor();

test('a view asks for what it shows only once it is known where the feed begins', async () => {
  const id = await livingIn(server(), 'Gestating');
  const page = await openBlank();
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') asked.push(request.postDataJSON().operationName);
  });
  let askedBefore: string[] = [];
  await onOperation(page, 'Census', async (route) => {
    const response = await route.fetch();
    await change(server(), id, 'birth');
    askedBefore = [...asked];
    await route.fulfill({ response });
  });
  await page.goto(`/lives/${id}`);
  await inHistory(page, 2);
  expect(askedBefore).toEqual(['Machine', 'Census']);
});

test('where the feed cannot begin yet, a view asks nevertheless, and again once it can', async () => {
  provoke(/503/);
  const id = await livingIn(server(), 'Gestating');
  const page = await openBlank();
  await onOperation(page, 'Census', async (route, time) => {
    if (time === 1) {
      const errors = [{ message: 'Busy.', extensions: { code: 'OVERLOADED' } }];
      return route.fulfill({ status: 503, json: { errors } });
    }
    await inHistory(page, 1);
    await change(server(), id, 'birth');
    return route.continue();
  });
  await page.goto(`/lives/${id}`);
  await inHistory(page, 2);
});

test('what happens while a view’s first answer is on its way is asked for after it', async () => {
  const id = await livingIn(server(), 'Gestating');
  const page = await openBlank();
  const signals = new EventEmitter();
  const answered = once(signals, 'answered');
  const released = once(signals, 'released');
  const told = once(signals, 'told');
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      if (String(payload).includes('"event":"BIRTH"')) signals.emit('told');
    });
  });
  await onOperation(page, 'Life', async (route, time) => {
    if (time > 1) return route.continue();
    const response = await route.fetch();
    signals.emit('answered');
    await released;
    return route.fulfill({ response });
  });
  await page.clock.install();
  await page.goto(`/lives/${id}`);
  await live(page);
  await answered;
  await change(server(), id, 'birth');
  await told;
  // Longer than news are collected for.
  await page.clock.runFor(2_000);
  signals.emit('released');
  await inHistory(page, 2);
});

describe('a history that is set back', () => {
  test('is shown as it is now, with what happens while the page asks anew', async () => {
    await asOwner(async (owner) => {
      const id = await livingIn(server(), 'Gestating');
      const restore = await keep(owner);
      const page = await open(`/lives/${id}`);
      await inHistory(page, 1);
      await change(server(), id, 'die');
      await inHistory(page, 2);
      await onOperation(page, 'Census', async (route) => {
        await inHistory(page, 1);
        await change(server(), id, 'birth');
        await route.continue();
      });
      await restore();
      await page.locator('.facts').getByText('Alive').waitFor();
      await page.getByRole('region', { name: 'History' }).getByText('Birth').waitFor();
    });
  });

  test('has nothing new of what was undone', async () => {
    await asOwner(async (owner) => {
      await livingIn(server(), 'Gestating');
      const restore = await keep(owner);
      const page = await open('/feed');
      const news = page.locator('.news');
      await news.getByText('Nothing new').waitFor();
      await livingIn(server(), 'Gestating');
      await livingIn(server(), 'Gestating');
      await news.getByText('Show 2 new').waitFor();
      await restore();
      await news.getByText('Nothing new').waitFor();
      await livingIn(server(), 'Gestating');
      await news.getByText('Show 1 new').waitFor();
    });
  });
});
