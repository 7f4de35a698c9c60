/** How the page handles tokens, under AUTH=jwt. */
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
/** Opened before all others: on a busy machine, its token must be valid long enough to be entered. */
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

test('the page asks for a token, refuses an invalid one, and keeps a valid one for the tab', async () => {
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

test('the page refuses a token that no header can carry, and takes another one', async () => {
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

test('a reader who tries to make a change learns which scope the token lacks', async () => {
  await enter(await tokenOf('lives:read', '1h'));
  await live(page);
  await page.getByRole('button', { name: 'Conceive' }).click();
  const refusal = page.getByRole('alert').getByText('The token lacks the scope lives:write.');
  await refusal.waitFor();
  // The notice covers a part of the page until the reader closes it.
  await page.getByRole('button', { name: 'Close' }).press('Enter');
  await refusal.waitFor({ state: 'detached' });
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Conceive');
});

test.each([390, 768, 1024, 1280])(
  'the header has room for every link and for another token, %i pixels wide',
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

test('if a token expires under an open page, the page asks for another', async () => {
  await expiring.page.getByRole('alert').getByText('has expired').waitFor();
  await enter(await tokenOf('lives:read lives:write', '1h'), expiring.page);
  await live(expiring.page);
  await expiring.page.context().close();
  expect(expiring.offences).toEqual([]);
});
