/** The picture of the machine: it draws any machine, and nothing hides anything else. */
import type { Page } from 'playwright-core';
import { onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { openBlank, provoke } = onDashboard();

/** Makes the server describe doors, which can be opened, closed, locked and rattled. */
async function answerDoors(page: Page): Promise<void> {
  const state = (phase: string, initial: boolean, transitions: readonly object[]): object => ({
    phase,
    initial,
    final: false,
    transitions,
  });
  const states = [
    state('CLOSED', true, [
      { event: 'OPENING', to: 'OPEN' },
      { event: 'LOCKING', to: 'LOCKED' },
    ]),
    state('OPEN', false, [{ event: 'CLOSING', to: 'CLOSED' }]),
    state('LOCKED', false, [
      { event: 'UNLOCKING', to: 'CLOSED' },
      { event: 'RATTLING', to: 'LOCKED' },
    ]),
  ];
  const events = ['CONCEPTION', 'OPENING', 'LOCKING', 'CLOSING', 'UNLOCKING', 'RATTLING'].map(
    (event) => ({ event, mutation: event.toLowerCase(), data: [] }),
  );
  await page.route('**/graphql', (route) =>
    route.request().postDataJSON()?.operationName === 'Machine'
      ? route.fulfill({ json: { data: { machine: { name: 'Life', states, events, fields: [] } } } })
      : route.continue(),
  );
}

test('the picture shows whatever machine the server describes, including one with cycles', async () => {
  const page = await openBlank();
  await answerDoors(page);
  // The server has no such machine, so it counts nothing.
  provoke(/400/);
  await page.goto('/');
  const picture = page.getByRole('group', { name: 'The state machine' });
  await picture.waitFor();
  expect(await picture.locator('.name').allTextContents()).toEqual(['Closed', 'Open', 'Locked']);
  expect(await picture.locator('.arrow text').allTextContents()).toEqual([
    'Conception',
    'Opening',
    'Locking',
    'Closing',
    'Unlocking',
    'Rattling',
  ]);
  // Boxes side by side, and arrows with a length.
  const boxes = await Promise.all(
    (await picture.locator('.box rect').all()).map((box) => box.boundingBox()),
  );
  for (const [index, one] of boxes.entries()) {
    for (const other of boxes.slice(index + 1)) {
      if (one === null || other === null) throw new Error('A box is not shown.');
      expect(
        one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y,
      ).toBe(true);
    }
  }
  for (const line of await picture.locator('.line').all()) {
    const box = await line.boundingBox();
    expect(Math.max(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(20);
  }
  // The arrow from a box to itself begins and ends at that box.
  const path = await picture.locator('[data-event=RATTLING] .line').getAttribute('d');
  const [x, y] = (path ?? '').replace('M ', '').split(' ').map(Number);
  const locked = picture.locator('.box', { hasText: 'Locked' }).locator('rect').first();
  const [left, top, width, height] = await Promise.all(
    ['x', 'y', 'width', 'height'].map(async (name) => Number(await locked.getAttribute(name))),
  );
  expect(x).toBeGreaterThan(left ?? NaN);
  expect(x).toBeLessThan((left ?? NaN) + (width ?? NaN));
  expect(y).toBe((top ?? NaN) + (height ?? NaN));
});

test.each([390, 1280])(
  '%i pixels wide, the name of an event overlaps no arrow, no other name and no box',
  async (width) => {
    provoke(/400/);
    const page = await openBlank({ viewport: { width, height: 900 } });
    const hits = (): Promise<unknown> =>
      page.evaluate(`(() => {
        const found = [];
        const texts = [...document.querySelectorAll('.machine .arrow text')];
        const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
        for (const text of texts) {
          const name = text.getBBox();
          for (const line of document.querySelectorAll('.machine .line')) {
            for (let at = 0; at <= line.getTotalLength(); at += 1) {
              const { x, y } = line.getPointAtLength(at);
              if (meet(name, { x, y, width: 0, height: 0 })) { found.push(text.textContent + ' on ' + line.parentElement.dataset.event); break; }
            }
          }
          for (const other of [...texts, ...document.querySelectorAll('.machine .box rect')]) {
            if (other !== text && meet(name, other.getBBox())) found.push(text.textContent + ' on ' + other.outerHTML);
          }
        }
        return found;
      })()`);
    await page.goto('/');
    await page.locator('.machine .arrow').first().waitFor();
    expect(await hits()).toEqual([]);

    await answerDoors(page);
    await page.goto('/');
    await page.locator('.machine .name', { hasText: 'Locked' }).waitFor();
    expect(await hits()).toEqual([]);
  },
);
