/**
 * The dashboard shows whatever machine the server describes. These tests show it orders, which have other states,
 * columns of every type, and events with data. They do not know the engine.
 */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { NOTHING, findingsOn } from '../harness/axe';
import { type Window, launchBrowser, openWindow } from '../harness/browser';
import { type Orders, startOrders } from './orders/server';

jest.setTimeout(180_000);

let orders: Orders;
let browser: Browser;
let window: Window;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
});

beforeEach(async () => {
  orders = await startOrders();
  await open();
});

afterEach(async () => {
  await page.context().close();
  await orders.stop();
  expect([...window.offences, ...window.complaints]).toEqual([]);
});

afterAll(async () => {
  await browser.close();
});

async function open(options?: BrowserContextOptions): Promise<void> {
  window = await openWindow(browser, orders, { timezoneId: 'Asia/Tokyo', ...options });
  ({ page } = window);
  await page.goto('/');
  await page.getByText('Live', { exact: true }).waitFor();
}

const button = (name: string): Locator => page.getByRole('button', { name });

const dialog = (): Locator => page.getByRole('dialog');

const facts = async (): Promise<Record<string, string>> => {
  const [names, values] = await Promise.all(
    ['dt', 'dd'].map((part) => page.locator(`.facts ${part}`).allInnerTexts()),
  );
  return Object.fromEntries((names ?? []).map((name, index) => [name, values?.[index] ?? '']));
};

const focused = (): Promise<string> =>
  page.evaluate<string>(
    'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
  );

/** Begins an order, and opens its view. */
async function draft(customer: string): Promise<void> {
  await button('Draft').click();
  await page.getByLabel('Customer').fill(customer);
  await dialog().getByRole('button', { name: 'Drafting' }).click();
  await page.getByRole('status').getByRole('link').click();
  await page.getByRole('heading', { name: /^Order / }).waitFor();
}

async function enterPlacement(totalCents: string): Promise<void> {
  await page.getByLabel('Total cents').fill(totalCents);
  await page.getByLabel('Due').fill('2027-01-02T12:00:00');
  await page.getByLabel('Urgent').check();
  await dialog().getByRole('button', { name: 'Placement' }).click();
}

test('the page shows the machine’s states with their names and counts, and uses its words', async () => {
  const picture = page.getByRole('group', { name: 'The state machine' });
  expect(await picture.locator('.name').allTextContents()).toEqual([
    'Draft',
    'In review',
    'Approved',
    'Cancelled',
  ]);
  await page.getByText('Nothing yet. Begin with “Draft”.').waitFor();
  await draft('Ada');
  await button('Placement').click();
  await enterPlacement('500');
  await page.getByText('Placement is recorded: version 2.').waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.locator('[data-count=IN_REVIEW]').getByText('1', { exact: true }).waitFor();

  await page.getByRole('link', { name: 'Orders' }).click();
  await page.waitForURL(/\/orders$/);
  await page.getByRole('link', { name: 'All 1', exact: true }).waitFor();
  await page.getByRole('link', { name: /^In review/ }).click();
  await page.waitForURL(/phase=in_review/);
  await page.locator('tbody').getByText('In review').waitFor();

  await page.getByRole('link', { name: 'Feed' }).click();
  await page.getByRole('link', { name: 'Drafting' }).click();
  await page.waitForURL(/event=drafting/);
  await page.getByText('version 2').waitFor({ state: 'detached' });
  expect(await page.locator('.transitions li').count()).toBe(1);
});

test('a form asks for an event’s data by type, sends the values as entered, and the page shows them as facts', async () => {
  await draft('Ada');
  expect(await facts()).toMatchObject({ Phase: 'Draft', Customer: 'Ada' });
  expect((await facts())['Total cents']).toContain('none');

  await button('Placement').click();
  expect(await dialog().locator('label').allInnerTexts()).toEqual(['Total cents', 'Due', 'Urgent']);
  expect(
    await dialog()
      .locator('input')
      .evaluateAll((inputs: { type: string }[]) => inputs.map(({ type }) => type)),
  ).toEqual(['number', 'datetime-local', 'checkbox']);
  await enterPlacement('1000');
  await page.getByText('Placement is recorded: version 2.').waitFor();
  expect(orders.told.at(-1)).toMatchObject({
    event: 'PLACEMENT',
    totalCents: 1000,
    // Noon in Tokyo.
    dueAt: '2027-01-02T03:00:00.000Z',
    urgent: true,
  });
  expect(await facts()).toMatchObject({
    Phase: 'In review',
    'Total cents': '1,000',
    Due: 'Jan 2, 2027, 12:00:00.000 PM',
    Urgent: 'Yes',
  });
  // Approval has no data and leads to a final state, so the page only asks for confirmation.
  await button('Approval').click();
  await dialog().getByText('It will be Approved then.').waitFor();
  await dialog().getByRole('button', { name: 'Approval' }).click();
  await page.getByText('Approval is recorded: version 3.').waitFor();
  await page.getByText('Nothing follows Approved.').waitFor();

  await page.getByRole('region', { name: 'History' }).getByText('version 1').click();
  await page.getByText('As it was at version 1 of 3').waitFor();
  await page.locator('.past .phase', { hasText: 'Draft' }).waitFor();
  expect((await facts())['Due']).toContain('none');
});

test('the form shows an error beside its input, and a refusal of the machine’s own by its message', async () => {
  await draft('Ada');
  await button('Placement').click();
  await enterPlacement('0');
  const total = page.getByLabel('Total cents');
  await dialog().getByText('Must be 1 or more.').waitFor();
  expect(await total.getAttribute('aria-invalid')).toBe('true');
  expect(await page.evaluate('document.activeElement.name')).toBe('totalCents');
  expect(await page.getByRole('alert').count()).toBe(0);

  await enterPlacement('5000');
  await page.getByRole('alert').getByText('No more than 1000 cents.').waitFor();
  expect(await dialog().getByText('Must be 1 or more.').count()).toBe(0);
  // The form keeps what was entered.
  expect(await page.getByLabel('Due').inputValue()).toContain('2027-01-02T12:00');
  await enterPlacement('500');
  await page.getByText('Placement is recorded: version 2.').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);

  // A column may have the same name as a field of a refusal.
  await button('Cancellation').click();
  await dialog().getByText('It will be Cancelled then.').waitFor();
  await page.getByLabel('Message').fill('Too late.');
  await dialog().getByRole('button', { name: 'Cancellation' }).click();
  await page.getByText('Nothing follows Cancelled.').waitFor();
  expect(await facts()).toMatchObject({ Message: 'Too late.' });
});

test('a person fills in, leaves and reopens the form for data by keyboard', async () => {
  await draft('Ada');
  await button('Placement').press('Enter');
  await dialog().waitFor();
  expect(await page.evaluate('document.activeElement.name')).toBe('totalCents');
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  expect(await focused()).toBe('Placement');

  await page.keyboard.press('Space');
  await page.keyboard.type('500');
  await page.getByLabel('Due').fill('2027-01-02T12:00:00');
  await page.keyboard.press('Enter');
  await page.getByText('Placement is recorded: version 2.').waitFor();
  // The button of the event may be gone.
  expect(await focused()).toBe('What can happen');
  expect(orders.told.at(-1)).toMatchObject({ totalCents: 500, urgent: false });
});

test('the load button invents the data of events, and goes on after refusals', async () => {
  await button('Start').click();
  await page.getByText(/^(?:[2-9]\d) of 300$/).waitFor();
  await button('Stop').click();
  await page.getByText('Stopped.').waitFor();
  const told = new Set(orders.told.map(({ event }) => event));
  expect(told).toEqual(new Set(['DRAFTING', 'PLACEMENT', 'APPROVAL', 'CANCELLATION']));
});

test.each([
  ['light', 1280],
  ['dark', 360],
] as const)(
  'axe finds no violation in the form for data: %s, %i wide',
  async (colorScheme, width) => {
    await page.context().close();
    await open({ colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    await draft('Ada');
    await button('Placement').click();
    await enterPlacement('0');
    await dialog().getByText('Must be 1 or more.').waitFor();
    expect(await findingsOn(page)).toEqual(NOTHING);
    await enterPlacement('5000');
    await page.getByRole('alert').waitFor();
    expect(await findingsOn(page)).toEqual(NOTHING);
  },
);
