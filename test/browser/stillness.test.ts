/**
 * Nothing jumps, from a phone to a wide screen: what appears finds its place kept, everything stays in its card and in
 * the window, and controls are large enough for a finger.
 */
import type { Page } from 'playwright-core';
import { livingIn } from '../api/lives';
import { atOnce } from '../harness/atOnce';
import { button, change, live, mean, onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { server, open, openBlank, provoke } = onDashboard();

/**
 * Notes whatever moves that was there before, however long after a click that is. A list that what is new is put on top
 * of moves by nature.
 */
const NOTE_SHIFTS = `
  shifts = [];
  const nameOf = (node) => node === null ? 'nothing' : (node.outerHTML ?? node.textContent).slice(0, 120);
  new PerformanceObserver((list) => {
    for (const { sources } of list.getEntries()) {
      for (const { node, previousRect: a, currentRect: b } of sources) {
        const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        if (element?.closest('.feed .transitions')) continue;
        shifts.push([nameOf(node), [a.x, a.y], [b.x, b.y]].join(' '));
      }
    }
  }).observe({ type: 'layout-shift', buffered: true });
`;

const viewportOf = (width: number): { width: number; height: number } => ({
  width,
  height: width < 500 ? 844 : 900,
});

const widths = new Map([390, 768, 1280, 1920].map((width) => [`${width} pixels wide`, width]));

const openNoted = async (width: number): Promise<Page> => {
  const page = await openBlank({ viewport: viewportOf(width) });
  await page.addInitScript(NOTE_SHIFTS);
  return page;
};

const settled = async (page: Page): Promise<unknown> => {
  // Two frames: what was noted of the last one is told after the next.
  await page.evaluate(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))',
  );
  return page.evaluate('shifts');
};

describe('at every width', () => {
  test('nothing moves while a page loads, lives change, and the server goes away and comes back', async () => {
    provoke(/ERR_INTERNET_DISCONNECTED|WebSocket/);
    // Each page shows the changes that the others make, too. So many lives that their number gets no further digit: it
    // would grow to the left, where nothing stands.
    await Promise.all(Array.from({ length: 12 }, async () => livingIn(server(), 'Gestating')));
    await atOnce(widths, async (width) => {
      const page = await openNoted(width);
      await page.goto('/');
      await live(page);
      await page.locator('.feed li').first().waitFor();
      expect(await settled(page)).toEqual([]);

      await button(page, 'Conceive').click();
      const begun = page.getByRole('status').getByRole('link');
      await begun.waitFor();
      expect(await settled(page)).toEqual([]);
      await page.context().setOffline(true);
      await page.getByText('The server is away.').waitFor();
      await button(page, 'Conceive').click();
      await page.getByRole('alert').waitFor();
      expect(await settled(page)).toEqual([]);
      await page.context().setOffline(false);
      await live(page);
      await page.getByRole('alert').waitFor({ state: 'detached' });
      await begun.waitFor();
      expect(await settled(page)).toEqual([]);

      const id = await begun.getAttribute('title');
      await page.goto(`/lives/${String(id)}`);
      await live(page);
      await button(page, 'Birth').click();
      await page.getByText('Birth is recorded').waitFor();
      await page.getByRole('region', { name: 'History' }).getByText('version 2').waitFor();
      await mean(page, 'Death');
      await page.getByText('Death is recorded').waitFor();
      await page.getByRole('region', { name: 'History' }).getByText('version 3').waitFor();
      expect(await settled(page)).toEqual([]);
    });
  });

  test.each([
    ['/lives', 'tbody tr'],
    ['/feed', '.transitions li'],
  ])('nothing moves while %s loads', async (path, there) => {
    await atOnce(widths, async (width) => {
      const page = await openNoted(width);
      await page.goto(path);
      await live(page);
      await page.locator(there).first().waitFor();
      expect(await settled(page)).toEqual([]);
    });
  });

  test('every view stays in the window, and what is in a card stays in it', async () => {
    for (let lives = 0; lives < 8; lives += 1) await livingIn(server(), 'Dead');
    const id = await livingIn(server(), 'Alive');
    await atOnce(widths, async (width) => {
      const page = await open('/', { viewport: viewportOf(width) });
      for (const path of ['/', '/lives', '/feed', `/lives/${id}`, `/lives/${id}?version=1`]) {
        await page.goto(path);
        await live(page);
        await page.locator('.facts, .transitions li, tbody tr').first().waitFor();
        expect([path, await page.evaluate(STICKING_OUT)]).toEqual([path, []]);
      }
      await page.goto('/');
      await live(page);
      await page.locator('.feed li').nth(20).waitFor({ state: 'attached' });
      const card = await page.locator('.feed').boundingBox();
      const list = await page.locator('.feed .transitions').boundingBox();
      if (card === null || list === null) throw new Error('The feed is not shown.');
      expect(list.y + list.height).toBeLessThanOrEqual(card.y + card.height);
      // It scrolls by itself, and does not make the page longer.
      expect(
        await page
          .locator('.feed .transitions')
          .evaluate(
            (list: { scrollHeight: number; clientHeight: number }) =>
              list.scrollHeight > list.clientHeight,
          ),
      ).toBe(true);
    });
  });

  test('the picture is as wide as its card', async () => {
    await atOnce(widths, async (width) => {
      const page = await open('/', { viewport: viewportOf(width) });
      const card = await page.locator('.picture').boundingBox();
      const boxes = await Promise.all(
        (await page.locator('.machine .box rect').all()).map((box) => box.boundingBox()),
      );
      const left = Math.min(...boxes.map((box) => box?.x ?? NaN));
      const right = Math.max(...boxes.map((box) => (box ? box.x + box.width : NaN)));
      if (card === null) throw new Error('There is no picture.');
      // Without the way to the first state, which has no box.
      if (width > 640) expect((right - left) / card.width).toBeGreaterThan(0.6);
      const [first] = boxes;
      expect(first?.width).toBeGreaterThan(width === 1920 ? 180 : 90);
    });
  });
});

test('on a phone, whatever is pressed is as large as a finger needs it', async () => {
  const id = await livingIn(server(), 'Gestating');
  await change(server(), id, 'birth');
  const page = await open('/', { viewport: { width: 390, height: 844 }, hasTouch: true });
  for (const path of ['/', '/lives', '/feed', `/lives/${id}`, `/lives/${id}?version=1`]) {
    await page.goto(path);
    await live(page);
    await page.locator('.facts, .transitions li, tbody tr').first().waitFor();
    expect([path, await page.evaluate(TOO_SMALL)]).toEqual([path, []]);
  }
});

/** What is wider than the window, and what leaves its card. */
const STICKING_OUT = `(() => {
  const found = [];
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push('the page');
  const links = document.querySelector('header nav');
  if (links.scrollWidth > links.clientWidth) found.push('the links');
  for (const card of document.querySelectorAll('.card')) {
    const bounds = card.getBoundingClientRect();
    for (const element of card.querySelectorAll('*')) {
      if (element.closest('.transitions li, svg, .unseen')) continue;
      const { left, right, bottom, width } = element.getBoundingClientRect();
      if (width === 0) continue;
      if (left < bounds.left - 1 || right > bounds.right + 1 || bottom > bounds.bottom + 1) {
        found.push(element.outerHTML.slice(0, 100));
      }
    }
  }
  return found;
})()`;

/** Whatever can be pressed and is below 44 pixels in height, or in width; where it covers its row, the row counts. */
const TOO_SMALL = `(() => {
  const found = [];
  for (const element of document.querySelectorAll('a[href], button, select, input')) {
    if (element.closest('.skip, svg')) continue;
    const covered = getComputedStyle(element, '::after').position === 'absolute' ? element.closest('li') : element;
    const { width, height } = covered.getBoundingClientRect();
    if (width === 0) continue;
    if (height < 44 || width < 40) found.push(element.outerHTML.slice(0, 100) + ' ' + width + ' ' + height);
  }
  return found;
})()`;
