/** What an open page does if the server goes away and comes back. */
import type { Browser, Page } from 'playwright-core';
import { Bystanders } from '../api/Bystanders';
import { livingIn } from '../api/lives';
import { type TestServer, ask, startServer } from '../harness';
import { launchBrowser, openWindow } from '../harness/browser';

jest.setTimeout(180_000);

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
});

const live = (page: Page): Promise<void> => page.getByText('Live', { exact: true }).waitFor();

describe('if the server restarts under an open page', () => {
  /** A server on the same database, which stays up while the page's own server is down. */
  let other: TestServer;
  let own: TestServer;
  let bystanders: Bystanders;

  const startOwn = (port = '0'): Promise<TestServer> =>
    startServer({ DATABASE_URL: other.database?.url ?? '', PORT: port });

  beforeAll(async () => {
    other = await startServer();
    own = await startOwn();
    bystanders = await Bystanders.of(other);
  });

  afterAll(async () => {
    await bystanders.expectUnchanged();
    await bystanders.leave();
    await own.stop();
    await other.stop();
  });

  test('the page says that it reconnects, when, and how old its data is, and then has missed nothing and doubled nothing', async () => {
    const id = await livingIn(other, 'Gestating');
    const { page, offences } = await openWindow(browser, own);
    const { page: life, offences: more } = await openWindow(browser, own);
    await page.goto('/');
    await life.goto(`/lives/${id}`);
    await live(page);
    await live(life);
    await livingIn(other, 'Alive');

    for (const time of ['first', 'second']) {
      const { port } = new URL(own.url);
      await own.stop();
      await page.getByText('Reconnecting…').waitFor();
      await page.getByText(/^[1-9]\d* s$/).waitFor();
      for (const shown of [page, life]) {
        await shown.getByText(/^The server is away\. What you see is as of \d+:\d\d/).waitFor();
      }
      // Meanwhile another server records transitions.
      await livingIn(other, 'Dead');
      await livingIn(other, 'Alive');
      const event = time === 'first' ? 'birth' : 'die';
      await ask(other, `mutation ($id: ID!) { ${event}(id: $id) { __typename } }`, { id });
      own = await startOwn(port);
      await live(page);
      await life
        .locator('.facts')
        .getByText(time === 'first' ? 'Alive' : 'Dead')
        .waitFor();
      await expectAllIsShown(page);
      expect(await page.locator('.age').innerText()).toBe('');
    }
    await page.context().close();
    await life.context().close();
    expect([...offences, ...more]).toEqual([]);
  });

  test('with another database, the page starts afresh', async () => {
    const { page } = await openWindow(browser, own);
    await page.goto('/');
    await live(page);
    const { port } = new URL(own.url);
    await own.stop();
    const empty = await startServer({ PORT: port });
    try {
      await page.locator('[data-count=DEAD]').getByText('0', { exact: true }).waitFor();
      await livingIn(empty, 'Gestating');
      await page.locator('[data-count=GESTATING]').getByText('1', { exact: true }).waitFor();
      expect(await page.locator('.feed li').count()).toBe(1);
    } finally {
      await page.context().close();
      await empty.stop();
      own = await startOwn();
    }
  });

  /** The list is the end of the feed, and the counts are the census. */
  async function expectAllIsShown(page: Page): Promise<void> {
    const { data } = await ask(
      other,
      '{ census { gestating alive dead } transitions(last: 40) { nodes { event lifeId } } }',
    );
    for (const [phase, count] of Object.entries(data.census)) {
      await page
        .locator(`[data-count=${phase.toUpperCase()}]`)
        .getByText(String(count), { exact: true })
        .waitFor();
    }
    const happened = data.transitions.nodes as { event: string; lifeId: string }[];
    const listed = await page
      .locator('.feed li')
      .evaluateAll((items: { innerText: string }[]) =>
        items.map((item) => item.innerText.split(/\s+/).slice(0, 2).join(' ').toUpperCase()),
      );
    expect(listed).toEqual(
      happened.map(({ event, lifeId }) => `${event} ${lifeId.slice(-12)}`.toUpperCase()).reverse(),
    );
  }
});

describe('if the feed and the life of a page share a socket,', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
  });

  afterAll(async () => {
    await server.stop();
  });

  /** Answers the feed's subscription itself while there are answers left, and passes on everything else. */
  const answerFeed = async (
    page: Page,
    codes: string[],
  ): Promise<{ readonly followed: Promise<void> }> => {
    let follow: () => void;
    const followed = new Promise<void>((resolve) => {
      follow = resolve;
    });
    await page.routeWebSocket('**/graphql', (socket) => {
      const upstream = socket.connectToServer();
      const lives = new Set<unknown>();
      socket.onMessage((text) => {
        const { id, type, payload } = JSON.parse(String(text));
        const isFeed = type === 'subscribe' && /subscription Feed/.test(payload.query);
        const code = isFeed ? codes.shift() : undefined;
        if (type === 'subscribe' && !isFeed) lives.add(id);
        if (code === undefined) upstream.send(text);
        else {
          socket.send(
            JSON.stringify({
              id,
              type: 'error',
              payload: [{ message: 'No.', extensions: { code } }],
            }),
          );
        }
      });
      upstream.onMessage((text) => {
        const { id, type } = JSON.parse(String(text));
        socket.send(text);
        if (type === 'next' && lives.has(id)) follow();
      });
    });
    return { followed };
  };

  test('a refused feed is not shown as live because the life’s subscription is', async () => {
    const id = await livingIn(server, 'Gestating');
    const { page, offences } = await openWindow(browser, server);
    const { followed } = await answerFeed(page, ['FORBIDDEN']);
    await page.goto('/');
    const refusal = page.locator('.connection[data-state=refused]');
    await refusal.waitFor();
    await page.locator(`.feed a[title="${id}"]`).click();
    await followed;
    // The page shows what follows the life's acknowledgement after what follows the feed's.
    await ask(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
    await page.locator('.facts').getByText('Alive').waitFor();
    expect(await refusal.count()).toBe(1);
    await page.context().close();
    expect(offences).toEqual([]);
  });

  test('a feed that failed for a while is shown as live again, even if nothing happens', async () => {
    const id = await livingIn(server, 'Gestating');
    const { page, offences } = await openWindow(browser, server);
    await answerFeed(page, ['OVERLOADED', 'DATABASE_UNAVAILABLE']);
    await page.goto(`/lives/${id}`);
    await page.locator('.connection[data-state=reconnecting]').waitFor();
    await live(page);
    await ask(server, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id });
    await page.getByText('version 2').first().waitFor();
    await page.context().close();
    expect(offences).toEqual([]);
  });

  test('a page gives up a silent server, and connects again', async () => {
    const { page, offences } = await openWindow(browser, server);
    let sockets = 0;
    await page.routeWebSocket('**/graphql', (socket) => {
      const upstream = socket.connectToServer();
      const isSilent = (sockets += 1) === 1;
      upstream.onMessage((text) => {
        if (!isSilent || JSON.parse(String(text)).type !== 'pong') socket.send(text);
      });
      // This server would not answer a closing handshake.
      if (isSilent) socket.onClose(() => undefined);
    });
    await page.clock.install();
    await page.goto('/');
    await live(page);
    const lost = page.locator('.connection[data-state=reconnecting]');
    while (!(await lost.isVisible()) && sockets === 1) await page.clock.fastForward(2_500);
    await live(page);
    expect(sockets).toBeGreaterThan(1);
    await page.context().close();
    expect(offences).toEqual([]);
  });
});
