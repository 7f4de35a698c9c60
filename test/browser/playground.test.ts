/**
 * What a newcomer does with a browser at `/graphql`: the page opens, its operations run in order, and it contacts no
 * other origin. Does not know how the page is made.
 */
import type { Browser, Page } from 'playwright-core';
import { ask, startServer } from '../harness';
import { launchBrowser } from '../harness/browser';

// Altair is three megabytes of script, which a busy machine without a GPU runs slowly.
jest.setTimeout(120_000);

let server: Awaited<ReturnType<typeof startServer>>;
let browser: Browser;

beforeAll(async () => {
  server = await startServer();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

describe('/graphql', () => {
  const headersFor = async (accept: string): Promise<Headers> =>
    (await fetch(`${server.url}/graphql`, { headers: { accept } })).headers;

  test.each([
    'text/html',
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'text/html, application/json;q=0.9',
  ])('is the page for a client that prefers HTML: %s', async (accept) => {
    const headers = await headersFor(accept);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('vary')).toMatch(/\bAccept\b/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  test.each([
    '*/*',
    'application/json',
    'application/json, text/html',
    'application/graphql-response+json, text/html;q=0.9',
    'application/json, text/html;q=0',
  ])('is GraphQL for any other client: %s', async (accept) => {
    const headers = await headersFor(accept);
    expect(headers.get('content-type')).toMatch(/^application\/.*json/);
  });
});

/** Runs in the page: whether the stored active tab has this title, and is waiting for an answer or not. */
const isStored = (title: string, isLoading: boolean): string => `new Promise((resolve) => {
  const opening = indexedDB.open('AltairDB');
  opening.onsuccess = () => {
    const all = opening.result.transaction('appState').objectStore('appState').getAll();
    all.onsuccess = () => {
      opening.result.close();
      const { value = '{}' } = all.result.find(({ key }) => key.endsWith('::windowsMeta')) ?? {};
      const { activeWindowId } = JSON.parse(value);
      const active = all.result.find(({ key }) => key.endsWith('::windows::' + activeWindowId));
      const { layout } = JSON.parse(active?.value ?? '{}');
      resolve(layout?.title === '${title}' && layout.isLoading === ${isLoading});
    };
  };
})`;

describe('the page', () => {
  let page: Page;
  /** Collects what a page may not do: log an error, throw one, or contact another origin. */
  let offences: string[];

  beforeEach(async () => {
    offences = [];
    page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
    page.on('console', (message) => {
      if (message.type() === 'error') offences.push(`logged: ${message.text()}`);
    });
    page.on('pageerror', (error) => offences.push(`threw: ${error.message}`));
    page.on('request', (request) => {
      const { origin, protocol, href } = new URL(request.url());
      if (origin !== server.url && protocol !== 'data:') offences.push(`asked for: ${href}`);
    });
    page.on('response', (response) => {
      if (!response.ok()) offences.push(`got ${response.status()}: ${response.url()}`);
    });
    await open();
  });

  afterEach(async () => {
    await page.close();
    expect(offences).toEqual([]);
  });

  const open = async (): Promise<void> => {
    await page.goto(`${server.url}/graphql`, { waitUntil: 'networkidle' });
    await page.getByText('Send Request').waitFor();
  };

  /** Opens the operation's tab, clicks its send button, and waits until the answer begins. */
  const start = async (operation: string): Promise<void> => {
    await page.locator('app-window-switcher').getByText(operation, { exact: true }).click();
    const answered = page.waitForResponse((response) => {
      const sent: unknown = response.request().postDataJSON();
      return (
        typeof sent === 'object' &&
        sent !== null &&
        'operationName' in sent &&
        sent.operationName === operation
      );
    });
    await page.getByText('Send Request').click();
    await answered;
  };

  /** Starts the operation, and reads the answer from the page. */
  const send = async (operation: string): Promise<unknown> => {
    await start(operation);
    const answer = page.locator('app-query-result .cm-content', { hasText: /"data"|"errors"/ });
    return JSON.parse(await answer.innerText());
  };

  test('a first visit begins in the first tab, shows its variables, and shows no text of Altair’s own', async () => {
    const tabs = page.locator('app-window-switcher-item');
    expect(await tabs.allInnerTexts()).toHaveLength(9);
    await page.getByText('(Send mutation Conceive)').waitFor();
    await page.locator('app-variables-editor').waitFor();
    await tabs.getByText('Birth', { exact: true }).click();
    await page.locator('app-variables-editor').getByText('{{id}}').waitFor();
    await page.locator('.query-result__none-subtext').waitFor({ state: 'hidden' });
    await page.locator('.toast-success').waitFor({ state: 'hidden' });
  });

  test('a second visit begins in the tab in which the first one ended', async () => {
    await page.locator('app-window-switcher').getByText('Census', { exact: true }).click();
    await page.getByText('(Send query Census)').waitFor();
    // Altair stores the active tab a moment later.
    while (!(await page.evaluate(isStored('Census', false))));
    await open();
    await page.getByText('(Send query Census)').waitFor();
    await page.locator('app-variables-editor').waitFor();
  });

  test('after a reload during a subscription, the page can subscribe again', async () => {
    await start('Follow');
    await page.getByText('Cancel').waitFor();
    // Altair stores its state a moment later.
    while (!(await page.evaluate(isStored('Follow', true))));
    await open();
    await start('Follow');
    const { data } = await ask(server, 'mutation { conceive { id } }');
    await page.locator('app-query-result').getByText(data.conceive.id).waitFor();
  });

  test('a person leads a life from the leftmost tab to the rightmost, and copies no id', async () => {
    expect(await send('Conceive')).toMatchObject({
      data: { conceive: { phase: 'GESTATING', nextEvents: ['BIRTH', 'DEATH'] } },
    });
    expect(await send('Birth')).toMatchObject({
      data: { birth: { __typename: 'Alive', version: 2, nextEvents: ['DEATH'] } },
    });
    expect(await send('Die')).toMatchObject({
      data: { die: { __typename: 'Dead', version: 3, nextEvents: [] } },
    });
    expect(await send('History')).toMatchObject({
      data: {
        life: {
          phase: 'DEAD',
          history: {
            nodes: [{ event: 'CONCEPTION' }, { event: 'BIRTH' }, { event: 'DEATH' }],
          },
        },
      },
    });
  });

  test('a birth before any conception is refused with a type, not with an error', async () => {
    const answer = await send('Birth');
    expect(answer).toMatchObject({ data: { birth: { __typename: 'LifeNotFound' } } });
    expect(answer).not.toHaveProperty('errors');
  });

  test('a second birth is refused, with the events that are allowed', async () => {
    await send('Conceive');
    await send('Birth');
    expect(await send('Birth')).toMatchObject({
      data: {
        birth: { __typename: 'IllegalTransition', from: 'ALIVE', nextEvents: ['DEATH'] },
      },
    });
  });

  test('operations that only read are answered, also before there is anything to read', async () => {
    for (const operation of ['History', 'Lives', 'Census', 'Feed', 'Machine']) {
      expect(await send(operation)).not.toHaveProperty('errors');
    }
  });

  test('a second life takes the place of the first', async () => {
    const first = await send('Conceive');
    const second = await send('Conceive');
    expect(second).not.toEqual(first);
    expect(await send('Birth')).toMatchObject({ data: { birth: { version: 2 } } });
  });

  test('a subscription shows a transition of another client when it happens', async () => {
    await start('Follow');
    const { data } = await ask(server, 'mutation { conceive { id } }');
    await page.locator('app-query-result').getByText(data.conceive.id).waitFor();
  });

  test('a browser caches all scripts except the one with the server’s options', async () => {
    const askedAgain: string[] = [];
    page.on('response', (response) => {
      const { 'cache-control': caching = '', 'content-type': type = '' } = response.headers();
      if (type.includes('javascript') && !caching.includes('immutable'))
        askedAgain.push(response.url());
    });
    await open();
    expect(askedAgain).toEqual([`${server.url}/graphql/playground/options.js`]);
  });
});
