/**
 * Owns what the dashboard's tests have in common: a server of lives with bystanders, a browser, and windows, of which
 * each test's must do nothing that a page may not do. It deliberately does not know what is tested.
 */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { Bystanders } from '../api/Bystanders';
import { ask, startServer, type TestServer } from '../harness';
import { type Window, launchBrowser, openWindow } from '../harness/browser';

export interface OnDashboard {
  /** Once the tests run. */
  readonly server: () => TestServer;
  /** A window of its own, at a path, once it follows the feed. */
  readonly open: (path: string, options?: BrowserContextOptions) => Promise<Page>;
  /** A window of its own that is nowhere yet. */
  readonly openBlank: (options?: BrowserContextOptions) => Promise<Page>;
  /** Says which complaints a test brings about on purpose. */
  readonly provoke: (...patterns: readonly RegExp[]) => void;
}

/** To be called once, outside of the tests of a file. */
export function onDashboard(): OnDashboard {
  let server: TestServer;
  let bystanders: Bystanders;
  let browser: Browser;
  let windows: Window[];
  let provoked: readonly RegExp[];

  beforeAll(async () => {
    server = await startServer({ GRAPHIQL: 'off', INTROSPECTION: 'off' });
    bystanders = await Bystanders.of(server);
    browser = await launchBrowser();
  });

  beforeEach(() => {
    windows = [];
    provoked = [];
  });

  afterEach(async () => {
    await Promise.all(windows.map(({ page }) => page.context().close()));
    expect(windows.flatMap(({ offences }) => offences)).toEqual([]);
    expect(
      windows
        .flatMap(({ complaints }) => complaints)
        .filter((complaint) => !provoked.some((pattern) => pattern.test(complaint))),
    ).toEqual([]);
    await bystanders.expectUnchanged();
  });

  afterAll(async () => {
    await browser.close();
    await bystanders.leave();
    await server.stop();
  });

  const openBlank = async (options?: BrowserContextOptions): Promise<Page> => {
    const window = await openWindow(browser, server, options);
    windows.push(window);
    return window.page;
  };

  return {
    server: () => server,
    openBlank,
    open: async (path, options) => {
      const page = await openBlank(options);
      await page.goto(path);
      await live(page);
      return page;
    },
    provoke: (...patterns) => {
      provoked = patterns;
    },
  };
}

/** Once the feed is followed. */
export const live = (page: Page): Promise<void> =>
  page.getByText('Live', { exact: true }).waitFor();

export const button = (page: Page, name: string): Locator => page.getByRole('button', { name });

/** Makes an event happen that asks whether it is meant. */
export async function mean(page: Page, name: string): Promise<void> {
  await button(page, name).click();
  await page.getByRole('dialog').getByRole('button', { name }).click();
}

/** The facts of the life, or of one of its versions, that the page shows. */
export const factOf = (page: Page, name: string): Locator =>
  page.locator('dt', { hasText: name }).locator('xpath=following-sibling::dd[1]');

/** As another client of the API does it. */
export async function change(
  server: TestServer,
  id: string,
  mutation: 'birth' | 'die',
): Promise<void> {
  const { errors } = await ask(
    server,
    `mutation ($id: ID!) { ${mutation}(id: $id) { __typename } }`,
    { id },
  );
  expect(errors).toBeUndefined();
}
