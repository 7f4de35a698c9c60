/**
 * An open page misses no change. Each test makes a change at a moment when a view may have its answer already, and the
 * feed does not tell the page yet.
 */
import { EventEmitter, once } from 'node:events';
import { Client } from 'pg';
import type { Page, Route } from 'playwright-core';
import { livingIn } from '../api/lives';
import { keep } from '../harness/setBack';
import { change, live, onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { server, open, openBlank, provoke } = onDashboard();

/** Acts in a session of the database's owner, which ends with the test. */
async function asOwner(act: (owner: Client) => Promise<void>): Promise<void> {
  const owner = new Client({ connectionString: server().database?.url ?? '' });
  await owner.connect();
  try {
    await act(owner);
  } finally {
    await owner.end();
  }
}

/** Handles each request of the page for one operation. */
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

test('a view sends its query only after the page has read where the feed begins', async () => {
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

test('if the page cannot read where the feed begins, a view sends its query, and again once the page can', async () => {
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

test('a view whose first answer is late asks again after it, because of a change in the meantime', async () => {
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
  // Longer than the page collects news for.
  await page.clock.runFor(2_000);
  signals.emit('released');
  await inHistory(page, 2);
});

describe('if the history is set back', () => {
  test('the page shows it as it is now, with a change that happens while the page asks again', async () => {
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

  test('the page of the feed counts no undone transition as new', async () => {
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
