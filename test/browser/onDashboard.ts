/**
 * What the dashboard's tests share: a server of lives with bystanders, a browser, and windows, whose pages must do
 * nothing that a page may not do. Does not know what is tested.
 */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { Bystanders } from '../api/Bystanders';
import { ask, startServer, type TestServer } from '../harness';
import { type Window, launchBrowser, openWindow } from '../harness/browser';

export interface OnDashboard {
  /** Available once the tests run. */
  readonly server: () => TestServer;
  /** Opens a new window at a path, and waits until it follows the feed. */
  readonly open: (path: string, options?: BrowserContextOptions) => Promise<Page>;
  /** Opens a new window without a page. */
  readonly openBlank: (options?: BrowserContextOptions) => Promise<Page>;
  /** Declares which complaints a test causes on purpose. */
  readonly provoke: (...patterns: readonly RegExp[]) => void;
}

/** Call it once in a file, outside of the tests. */
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

/** Waits until the page follows the feed. */
export const live = (page: Page): Promise<void> =>
  page.getByText('Live', { exact: true }).waitFor();

export const button = (page: Page, name: string): Locator => page.getByRole('button', { name });

/** Makes an event happen that needs a confirmation. */
export async function mean(page: Page, name: string): Promise<void> {
  await button(page, name).click();
  await page.getByRole('dialog').getByRole('button', { name }).click();
}

/** The facts of a life or of one of its versions, as the page shows them. */
export const factOf = (page: Page, name: string): Locator =>
  page.locator('dt', { hasText: name }).locator('xpath=following-sibling::dd[1]');

/** A request by another client of the API. */
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
