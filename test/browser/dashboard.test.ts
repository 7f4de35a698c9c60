/**
 * What a newcomer does with a browser at `/`: begins lives, changes them, finds them and looks back, in one window and
 * in two. Does not know how the dashboard is made.
 */
import type { Locator, Page } from 'playwright-core';
import { livingIn } from '../api/lives';
import { ask } from '../harness';
import { button, change, factOf, mean, onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { server, open, provoke } = onDashboard();

const count = (page: Page, phase: string): Locator => page.locator(`[data-count=${phase}]`);

const countOf = async (page: Page, phase: string): Promise<number> =>
  Number((await count(page, phase).textContent())?.replace(',', ''));

test('a person conceives a life, has it born and die, and looks back at it, all by links and buttons', async () => {
  const page = await open('/');
  await button(page, 'Conceive').click();
  await page.getByRole('status').getByRole('link').click();
  await page.waitForURL(/\/lives\/[-0-9a-f]{36}$/);
  const life = page.url();
  expect(await factOf(page, 'Born').innerText()).toContain('none');
  expect(await factOf(page, 'Phase').innerText()).toBe('Gestating');
  expect(
    await page.getByRole('group', { name: 'What can happen' }).getByRole('button').allInnerTexts(),
  ).toEqual(['Birth', 'Death']);

  await button(page, 'Birth').click();
  await page.getByText('Birth is recorded: version 2.').waitFor();
  await factOf(page, 'Phase').getByText('Alive').waitFor();
  await factOf(page, 'Born').locator('time').waitFor();
  await button(page, 'Birth').waitFor({ state: 'detached' });

  await mean(page, 'Death');
  await page.getByText('Nothing follows Dead').waitFor();
  const history = page.getByRole('region', { name: 'History' }).getByRole('link');
  await history.nth(2).waitFor();
  expect(await history.locator('strong').allInnerTexts()).toEqual(['Conception', 'Birth', 'Death']);

  await history.nth(1).click();
  await page.getByText('As it was at version 2 of 3').waitFor();
  await factOf(page, 'Phase').getByText('Alive').waitFor();
  expect(await factOf(page, 'Died').innerText()).toContain('none');
  await page.reload();
  await page.getByText('As it was at version 2 of 3').waitFor();
  await page.getByRole('link', { name: 'As it is now' }).press('Enter');
  await factOf(page, 'Phase').getByText('Dead').waitFor();
  expect(page.url()).toBe(life);
  // The link is gone, but its heading remains.
  expect(await page.evaluate('document.activeElement.textContent')).toBe('As it is');
  await page.goBack();
  await page.getByText('As it was at version 2 of 3').waitFor();
  await page.goto(`${life}?version=4`);
  await page.getByText('It has no such version.').waitFor();
});

test('two windows see each other’s changes', async () => {
  const id = await livingIn(server(), 'Gestating');
  const [list, life, overview] = [
    await open('/lives'),
    await open(`/lives/${id}`),
    await open('/'),
  ];
  const alive = await countOf(overview, 'ALIVE');
  const row = list.getByRole('row', { name: id });
  await row.getByText('Gestating').waitFor();

  await button(life, 'Birth').click();
  await row.getByText('Alive').waitFor();
  await count(overview, 'ALIVE')
    .getByText(String(alive + 1), { exact: true })
    .waitFor();
  const happened = overview
    .getByRole('region', { name: 'What happens' })
    .getByRole('listitem')
    .first();
  expect(await happened.innerText()).toContain(id.slice(-12));

  // A window that shows the life gets the change too, with its history.
  const other = await open(`/lives/${id}`);
  await mean(life, 'Death');
  await factOf(other, 'Phase').getByText('Dead').waitFor();
  await other.getByRole('region', { name: 'History' }).getByText('version 3').waitFor();

  await button(overview, 'Conceive').click();
  const link = overview.getByRole('status').getByRole('link');
  const conceived = (await link.getAttribute('title')) ?? '';
  await list.getByRole('row', { name: conceived }).waitFor();
});

test('a dot moves along the arrow of each transition when it happens', async () => {
  const page = await open('/');
  const id = await livingIn(server(), 'Gestating');
  await page.locator('[data-event=CONCEPTION] .dot').first().waitFor({ state: 'attached' });
  await change(server(), id, 'birth');
  await page.locator('[data-event=BIRTH] .dot').waitFor({ state: 'attached' });
  // The dot disappears again.
  await page.locator('.dot').first().waitFor({ state: 'detached' });
});

test('with reduced motion nothing moves, and the arrow lights up', async () => {
  const page = await open('/', { reducedMotion: 'reduce' });
  await livingIn(server(), 'Gestating');
  await page.locator('[data-event=CONCEPTION] .glow').first().waitFor({ state: 'attached' });
  expect(await page.locator('.dot:visible').count()).toBe(0);
});

describe('the lists of lives', () => {
  const idsOn = (page: Page): Promise<(string | null)[]> =>
    page
      .locator('tbody a')
      .evaluateAll((links: { getAttribute: (name: string) => string | null }[]) =>
        links.map((link) => link.getAttribute('title')),
      );
  const expected = async (variables: string): Promise<string[]> => {
    const { data } = await ask(server(), `{ lives(${variables}) { nodes { id } } }`);
    return (data.lives.nodes as { id: string }[]).map(({ id }) => id);
  };

  beforeAll(async () => {
    for (let lives = 0; lives < 25; lives += 1) await livingIn(server(), 'Gestating');
  });

  test('have pages in both directions, in either order, at permanent addresses', async () => {
    const page = await open('/lives');
    await page.locator('tbody tr').nth(19).waitFor();
    const newest = await idsOn(page);
    expect(newest).toEqual(await expected('order: NEWEST_FIRST'));
    const total = (await ask(server(), '{ lives { totalCount } }')).data.lives.totalCount;
    await page.getByRole('link', { name: `All ${total}`, exact: true }).waitFor();

    await page.getByRole('link', { name: 'Next' }).click();
    await page.waitForURL(/after=/);
    await page
      .getByRole('row', { name: (await expected('order: NEWEST_FIRST, first: 21'))[20] ?? '' })
      .waitFor();
    const second = await idsOn(page);
    expect(second.filter((id) => newest.includes(id))).toEqual([]);
    await page.reload();
    await page.getByRole('row', { name: second[0] ?? '' }).waitFor();
    expect(await idsOn(page)).toEqual(second);

    await page.getByRole('link', { name: 'Previous' }).click();
    await page.waitForURL(/before=/);
    await page.getByRole('row', { name: newest[0] ?? '' }).waitFor();
    expect(await idsOn(page)).toEqual(newest);
    await page.goBack();
    await page.getByRole('row', { name: second[0] ?? '' }).waitFor();

    await page.getByRole('link', { name: 'Oldest first' }).click();
    const oldest = await expected('order: OLDEST_FIRST');
    await page.getByRole('row', { name: oldest[0] ?? '' }).waitFor();
    expect(await idsOn(page)).toEqual(oldest);
  });

  test('keep the focus on the link to the last page', async () => {
    const { data } = await ask(
      server(),
      '{ lives(order: NEWEST_FIRST, phase: [GESTATING], last: 22) { pageInfo { startCursor } } }',
    );
    const after = encodeURIComponent(String(data.lives.pageInfo.startCursor));
    const page = await open(`/lives?phase=gestating&after=${after}`);
    await page.getByRole('link', { name: 'Next' }).press('Enter');
    await page.locator('a[aria-disabled]', { hasText: 'Next' }).waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Next');
    await page.getByRole('link', { name: 'Previous' }).press('Enter');
    await page.waitForURL(/before=/);
  });

  test('have a filter by phase, and follow the feed', async () => {
    const page = await open('/lives');
    await page.getByRole('link', { name: /^Gestating/ }).click();
    await page.waitForURL(/phase=gestating/);
    const [id = ''] = await expected('order: NEWEST_FIRST, phase: [GESTATING]');
    await page.getByRole('row', { name: id }).waitFor();
    await page.locator('tbody').getByText('Dead').waitFor({ state: 'detached' });
    await change(server(), id, 'die');
    await page.getByRole('row', { name: id }).waitFor({ state: 'detached' });
  });
});

test('the load button makes lives live and die, shows its progress, and stops', async () => {
  const page = await open('/');
  const before = await countOf(page, 'DEAD');
  await button(page, 'Start').click();
  await page.getByText(/^(?:[5-9]|\d\d) of 300$/).waitFor();
  // Lives that other clients conceive meanwhile count as well.
  const late = await open('/');
  await button(page, 'Stop').click();
  await page.getByText('Stopped.').waitFor();
  await button(page, 'Start').waitFor();
  const { data } = await ask(
    server(),
    '{ census { gestating alive dead } transitions(last: 15) { nodes { lifeId } } }',
  );
  expect(data.census.dead).toBeGreaterThanOrEqual(before + 5);
  // The live counts equal the ledger's, so the page has missed nothing and counted nothing twice.
  const latest = (data.transitions.nodes as { lifeId: string }[]).map(({ lifeId }) => lifeId);
  for (const shown of [page, late]) {
    for (const [phase, number] of Object.entries(data.census)) {
      await count(shown, phase.toUpperCase())
        .getByText(Number(number).toLocaleString('en'), { exact: true })
        .waitFor();
    }
    const listed = await Promise.all(
      (await shown.locator('.feed li a').all()).map((link) => link.getAttribute('title')),
    );
    expect(listed.slice(0, latest.length)).toEqual(latest.reverse());
    latest.reverse();
  }
});

test('the load goes on once the server answers again, and the page says so meanwhile', async () => {
  provoke(/ERR_FAILED/);
  const page = await open('/');
  await button(page, 'Start').click();
  await page.getByText(/^[1-9]\d* of 300$/).waitFor();
  let isAway = true;
  await page.route('**/graphql', (route) => (isAway ? route.abort() : route.continue()));
  const told = page.getByText('The page goes on once the server answers.');
  await told.waitFor();
  isAway = false;
  await told.waitFor({ state: 'detached' });
  const ended = async (): Promise<number> =>
    Number((await page.getByText(/^\d+ of 300$/).innerText()).split(' ')[0]);
  const before = await ended();
  await page.getByText(new RegExp(`^${String(before + 1)} of 300$|^\\d{2,} of 300$`)).waitFor();
  await button(page, 'Stop').click();
  await page.getByText('Stopped.').waitFor();
});

test('a person can do everything by keyboard', async () => {
  const page = await open('/');
  const focused = (): Promise<string> =>
    page.evaluate<string>('document.activeElement.textContent.trim()');
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab');
      if (name.test(await focused())) return;
    }
    throw new Error(`No Tab leads to ${String(name)}.`);
  };
  await tabTo(/^Skip to the content$/);
  await tabTo(/^Lives$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/lives$/);
  await page.locator('h1', { hasText: 'Lives' }).waitFor();
  // After navigation the title has the focus.
  expect(await focused()).toBe('Lives');
  await tabTo(/^Conceive$/);
  await page.keyboard.press('Enter');
  const link = page.getByRole('status').getByRole('link');
  await link.waitFor();
  await page.keyboard.press('Shift+Tab');
  expect(await focused()).toBe(await link.innerText());
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/lives\/./);
  await tabTo(/^Birth$/);
  await page.keyboard.press('Enter');
  await page.getByText('Birth is recorded: version 2.').waitFor();
  await tabTo(/^Death$/);
  await page.keyboard.press('Space');
  // A key pressed once too often is no confirmation.
  expect(await focused()).toBe('Cancel');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await page.getByText('Nothing follows Dead').waitFor();
  await tabTo(/^Conception/);
  await page.keyboard.press('Enter');
  await page.getByText('As it was at version 1 of 3').waitFor();
});
