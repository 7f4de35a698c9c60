/**
 * How a reader finds what happened, and to which life: the whole feed, ids that are copied and searched for, and a
 * life's history.
 */
import type { Page } from 'playwright-core';
import { livingIn } from '../api/lives';
import { ask } from '../harness';
import { change, onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { server, open } = onDashboard();

describe('the whole feed', () => {
  const rows = (page: Page): Promise<string[]> =>
    page
      .locator('.transitions li')
      .evaluateAll((items: { innerText: string; querySelector: (selector: string) => unknown }[]) =>
        items.map((item) => {
          const link = item.querySelector('a') as { title: string };
          return `${item.innerText.split(/\s+/)[0]?.toUpperCase() ?? ''} ${link.title}`;
        }),
      );

  const expected = async (variables: string): Promise<string[]> => {
    const { data } = await ask(
      server(),
      `{ transitions(${variables}) { nodes { event lifeId } } }`,
    );
    return (data.transitions.nodes as { event: string; lifeId: string }[])
      .map(({ event, lifeId }) => `${event} ${lifeId}`)
      .reverse();
  };

  beforeAll(async () => {
    for (let lives = 0; lives < 30; lives += 1) await livingIn(server(), 'Dead');
  });

  test('has pages from the newest transition to the oldest and back, at permanent addresses', async () => {
    const page = await open('/');
    await page.getByRole('link', { name: 'The whole feed' }).click();
    await page.waitForURL(/\/feed$/);
    await page.locator('.transitions li').nth(49).waitFor();
    const newest = await rows(page);
    expect(newest).toEqual(await expected('last: 50'));

    await page.getByRole('link', { name: 'Older' }).click();
    await page.waitForURL(/before=/);
    const older = (await expected('last: 100')).slice(50);
    const first = (of: readonly string[]): string => `a[title="${of[0]?.split(' ')[1] ?? ''}"]`;
    await page.locator(first(older)).first().waitFor();
    await page.locator('[aria-busy=false]').waitFor();
    expect(await rows(page)).toEqual(older);
    await page.reload();
    await page.locator(first(older)).first().waitFor();
    expect(await rows(page)).toEqual(older);
    expect(await page.locator('a[aria-disabled]', { hasText: 'Older' }).count()).toBe(1);

    await page.getByRole('link', { name: 'Newest' }).click();
    await page.locator(first(newest)).first().waitFor();
    await page.locator('[aria-busy=false]').waitFor();
    expect(await rows(page)).toEqual(newest);
  });

  test('has a filter by event, and counts new transitions until the reader asks for them', async () => {
    const page = await open('/feed');
    await page.getByRole('link', { name: 'Birth' }).click();
    await page.waitForURL(/event=birth/);
    await page
      .locator('.transitions li', { hasText: 'Conception' })
      .first()
      .waitFor({ state: 'detached' });
    const before = await rows(page);
    expect(before).toEqual(await expected('last: 50, events: [BIRTH]'));

    const id = await livingIn(server(), 'Gestating');
    await livingIn(server(), 'Alive');
    await change(server(), id, 'birth');
    await page.getByRole('button', { name: 'Show 2 new' }).waitFor();
    expect(await rows(page)).toEqual(before);
    await page.getByRole('button', { name: 'Show 2 new' }).click();
    await page.locator(`.transitions a[title="${id}"]`).waitFor();
    await page.getByRole('button', { name: 'Nothing new' }).waitFor();
    expect(await rows(page)).toEqual(await expected('last: 50, events: [BIRTH]'));
  });
});

test('a person copies the whole id, and finds the life by any text that contains it', async () => {
  const id = await livingIn(server(), 'Alive');
  const page = await open(`/lives/${id}`, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.getByRole('button', { name: 'Copy the id' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(id);

  await page.getByRole('link', { name: 'All lives' }).click();
  for (const entered of [id, `  ${id.toUpperCase()} `, `${server().url}/lives/${id}?version=1`]) {
    await page.waitForURL(/\/lives$/);
    await page.getByRole('searchbox').fill(entered);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/lives/${id}`);
    await page.locator('.facts').getByText('Alive').waitFor();
    await page.goBack();
  }
});

test('the page selects the id if it may not write to the clipboard', async () => {
  const id = await livingIn(server(), 'Gestating');
  const page = await open(`/lives/${id}`);
  await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
  await page.getByRole('button', { name: 'Copy the id' }).click();
  await page.getByRole('button', { name: 'Selected' }).waitFor();
  expect(await page.evaluate('String(getSelection())')).toBe(id);
});

test('a person can correct an unknown id on the page that reports it', async () => {
  const id = await livingIn(server(), 'Gestating');
  const page = await open('/lives/00000000-0000-4000-8000-000000000000');
  await page.getByText('There is no life with this id').waitFor();
  await page.getByRole('searchbox').fill(id);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.locator('.facts').getByText('Gestating').waitFor();
});

test('the history shows when each event happened, to the millisecond, and after how long', async () => {
  const { data } = await ask(server(), 'mutation { conceive { id createdAt } }');
  const { id, createdAt } = data.conceive as { id: string; createdAt: string };
  const bornAt = new Date(Date.parse(createdAt) + 1_234).toISOString();
  await ask(
    server(),
    'mutation ($id: ID!, $at: DateTime) { birth(id: $id, occurredAt: $at) { __typename } }',
    { id, at: bornAt },
  );
  const page = await open(`/lives/${id}`, { timezoneId: 'UTC' });
  const birth = page.getByRole('region', { name: 'History' }).getByRole('link').nth(1);
  await birth.getByText('after 1.234 s as Gestating').waitFor();
  const time = birth.locator('time');
  expect(await time.innerText()).toContain(`.${bornAt.slice(20, 23)}`);
  expect(await time.getAttribute('datetime')).toBe(bornAt);

  // The whole row is clickable, and looks so.
  const style = (): Promise<{ cursor: string; colour: string }> =>
    page.evaluate(`(() => {
      const { cursor, backgroundColor } = getComputedStyle(document.querySelectorAll('.history a')[1]);
      return { cursor, colour: backgroundColor };
    })()`);
  const before = await style();
  await time.hover();
  expect(await style()).toMatchObject({ cursor: 'pointer' });
  expect((await style()).colour).not.toBe(before.colour);
  await time.click();
  await page.getByText('As it was at version 2 of 2').waitFor();
  await page.getByRole('link', { name: 'All lives' }).click();
  await page.getByRole('heading', { name: 'Lives' }).waitFor();
});
