/**
 * Every view of the dashboard, dark and light, wide and narrow: axe-core finds no violation, and the page needs no
 * sideways scrolling.
 */
import { SignJWT } from 'jose';
import type { Browser, Page } from 'playwright-core';
import { livingIn } from '../api/lives';
import { startServer } from '../harness';
import { atOnce } from '../harness/atOnce';
import { NOTHING, findingsOn } from '../harness/axe';
import { launchBrowser, openWindow } from '../harness/browser';
import { button, live, mean } from './onDashboard';

jest.setTimeout(180_000);

const SECRET = 'a secret of the test'.repeat(4);

let server: Awaited<ReturnType<typeof startServer>>;
let guarded: Awaited<ReturnType<typeof startServer>>;
let browser: Browser;
let life: string;

beforeAll(async () => {
  server = await startServer();
  guarded = await startServer({ AUTH: 'jwt', AUTH_JWT_SECRET: SECRET });
  browser = await launchBrowser();
  await livingIn(server, 'Gestating');
  await livingIn(server, 'Dead');
  life = await livingIn(server, 'Alive');
});

afterAll(async () => {
  await browser.close();
  await guarded.stop();
  await server.stop();
});

/** The address of each view, and the steps that open it once the page is live. */
const views: [string, () => string, (page: Page) => Promise<unknown>][] = [
  ['the overview', () => '/', (page) => page.locator('.feed li').first().waitFor()],
  ['the lives', () => '/lives', (page) => page.locator('tbody tr').first().waitFor()],
  [
    'the lives of a phase that has none',
    () => '/lives?phase=alive&after=AAAA',
    (page) => page.getByRole('alert').waitFor(),
  ],
  [
    'a life',
    () => `/lives/${life}`,
    (page) => page.getByRole('button', { name: 'Death' }).waitFor(),
  ],
  [
    'an earlier version of a life',
    () => `/lives/${life}?version=1`,
    (page) => page.locator('.past .facts').waitFor(),
  ],
  [
    'a refusal',
    () => `/lives/${life}`,
    async (page) => {
      await page.route('**/graphql', (route) =>
        route.request().postDataJSON().operationName === 'Die'
          ? route.fulfill({
              json: {
                data: { outcome: { __typename: 'LifeNotFound', refusalMessage: 'Gone.' } },
              },
            })
          : route.continue(),
      );
      await mean(page, 'Death');
      await page.getByRole('alert').waitFor();
    },
  ],
  [
    'the confirmation of an event',
    () => `/lives/${life}`,
    async (page) => {
      await button(page, 'Death').click();
      await page.getByRole('dialog').waitFor();
    },
  ],
  [
    'a change that is sent again',
    () => `/lives/${life}`,
    async (page) => {
      await page.route('**/graphql', (route) => route.abort());
      await mean(page, 'Death');
      await page.getByRole('dialog').getByRole('alert').waitFor();
    },
  ],
  ['the feed', () => '/feed', (page) => page.locator('.transitions li').first().waitFor()],
  ['an unknown address', () => '/nothing', (page) => page.getByRole('searchbox').waitFor()],
  [
    'the last data of a server that is down',
    () => '/',
    async (page) => {
      await page.clock.install();
      await page.reload();
      await live(page);
      await page.locator('.feed li').first().waitFor();
      await page.context().setOffline(true);
      const told = page.getByText('The server is away.');
      // The page notices by timers, which need not be waited for.
      while (!(await told.isVisible())) await page.clock.fastForward(2_500);
    },
  ],
  [
    'an unknown life',
    () => '/lives/00000000-0000-4000-8000-000000000000',
    (page) => page.getByText('There is no life with this id').waitFor(),
  ],
];

interface Look {
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
}

const looks = new Map<string, Look>(
  (['light', 'dark'] as const).flatMap((colorScheme) =>
    [1280, 360].map((width) => [`${colorScheme}, ${width} pixels wide`, { colorScheme, width }]),
  ),
);

/** Opens a page of a server in every look, and expects that axe finds no violation. */
const expectNoViolation = (
  of: { readonly url: string },
  bringAbout: (page: Page) => Promise<unknown>,
): Promise<void> =>
  atOnce(looks, async ({ colorScheme, width }) => {
    const { page, offences } = await openWindow(browser, of, {
      colorScheme,
      viewport: { width, height: 800 },
      // Colours in transition have intermediate values.
      reducedMotion: 'reduce',
    });
    try {
      await bringAbout(page);
      expect(await findingsOn(page)).toEqual(NOTHING);
    } finally {
      await page.context().close();
    }
    expect(offences).toEqual([]);
  });

test.each(views)('%s', async (_name, path, bringAbout) => {
  await expectNoViolation(server, async (page) => {
    await page.goto(path());
    await live(page);
    await bringAbout(page);
  });
});

test('the form for a token', async () => {
  await expectNoViolation(guarded, async (page) => {
    await page.goto('/');
    await page.getByLabel('Token').fill('nonsense');
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByRole('alert').waitFor();
  });
});

test('a view opened with a token', async () => {
  const token = await new SignJWT({ scope: 'lives:read' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ada')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
  await expectNoViolation(guarded, async (page) => {
    await page.goto('/');
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Enter' }).click();
    await live(page);
    await page.getByRole('button', { name: 'Other token' }).waitFor();
  });
});
