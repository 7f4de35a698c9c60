/** What the page does with tokens, under AUTH=jwt. */
import { SignJWT } from 'jose';
import type { Browser, Page } from 'playwright-core';
import { type TestServer, startServer } from '../harness';
import { type Window, launchBrowser, openWindow } from '../harness/browser';
import { live } from './onDashboard';

jest.setTimeout(180_000);

const SECRET = 'a secret of the test'.repeat(4);
let server: TestServer;
let browser: Browser;
let page: Page;
let offences: readonly string[];
/** Opened before all others: its token has a while left, so that the slowest machine gets it in. */
let expiring: Window;

const tokenOf = (scope: string, validFor: string): Promise<string> =>
  new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ada')
    .setExpirationTime(validFor)
    .sign(new TextEncoder().encode(SECRET));

const open = async (): Promise<Window> => {
  const window = await openWindow(browser, server);
  await window.page.goto('/');
  await window.page.getByRole('heading', { name: 'A token is needed' }).waitFor();
  return window;
};

const enter = async (token: string, into = page): Promise<void> => {
  await into.getByLabel('Token').fill(token);
  await into.getByRole('button', { name: 'Enter' }).click();
};

beforeAll(async () => {
  browser = await launchBrowser();
  server = await startServer({ AUTH: 'jwt', AUTH_JWT_SECRET: SECRET });
  expiring = await open();
  await enter(await tokenOf('lives:read lives:write', '15s'), expiring.page);
  await live(expiring.page);
});

beforeEach(async () => {
  ({ page, offences } = await open());
});

afterEach(async () => {
  await page.context().close();
  expect(offences).toEqual([]);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

test('a token is asked for, refused when it is not valid, and kept for the tab', async () => {
  await enter('nonsense');
  await page.getByRole('alert').getByText('not valid').waitFor();
  await enter(await tokenOf('lives:read lives:write', '1h'));
  await live(page);
  await page.getByRole('button', { name: 'Conceive' }).click();
  await page.getByRole('status').getByRole('link').click();
  await page.getByRole('button', { name: 'Birth' }).click();
  await page.getByText('Birth is recorded').waitFor();
  await page.getByRole('region', { name: 'History' }).getByText('by ada').nth(1).waitFor();
  await page.reload();
  await live(page);
  await page.getByRole('button', { name: 'Death' }).waitFor();
});

test('what no header can carry is no token, and another one can be given', async () => {
  await enter('déjà vu ☃');
  await page.getByRole('alert').getByText('This is no token').waitFor();
  await enter(await tokenOf('lives:read', '1h'));
  await live(page);
  await page.getByRole('button', { name: 'Other token' }).click();
  await page.getByRole('heading', { name: 'A token is needed' }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await page.reload();
  await page.getByRole('heading', { name: 'A token is needed' }).waitFor();
  await enter(await tokenOf('lives:read lives:write', '1h'));
  await live(page);
  await page.getByRole('button', { name: 'Conceive' }).click();
  await page.getByRole('status').getByRole('link').waitFor();
});

test('who may only read is told so on trying to change something', async () => {
  await enter(await tokenOf('lives:read', '1h'));
  await live(page);
  await page.getByRole('button', { name: 'Conceive' }).click();
  const refusal = page.getByRole('alert').getByText('The token lacks the scope lives:write.');
  await refusal.waitFor();
  // It lies over the page, and would stay there.
  await page.getByRole('button', { name: 'Close' }).press('Enter');
  await refusal.waitFor({ state: 'detached' });
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Conceive');
});

test.each([390, 768, 1024, 1280])(
  'another token can be given, and every link has room, %i pixels wide',
  async (width) => {
    await page.setViewportSize({ width, height: 800 });
    await enter(await tokenOf('lives:read', '1h'));
    await live(page);
    expect(
      await page
        .getByRole('navigation', { name: 'Views' })
        .evaluate(
          (nav: { scrollWidth: number; clientWidth: number }) => nav.scrollWidth <= nav.clientWidth,
        ),
    ).toBe(true);
    await page.getByRole('button', { name: 'Other token' }).click();
    await page.getByRole('heading', { name: 'A token is needed' }).waitFor();
  },
);

test('a token that expires under an open page is asked for again', async () => {
  await expiring.page.getByRole('alert').getByText('has expired').waitFor();
  await enter(await tokenOf('lives:read lives:write', '1h'), expiring.page);
  await live(expiring.page);
  await expiring.page.context().close();
  expect(expiring.offences).toEqual([]);
});
