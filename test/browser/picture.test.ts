/** Owns the picture of the machine: any machine's, with nothing hidden by anything else. */
import { onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { openBlank, provoke } = onDashboard();

test('the picture is of whatever machine the server describes, also of one that goes in circles', async () => {
  const page = await openBlank();
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
  // The server has no such machine, and counts nothing of it.
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
  // Boxes beside one another, and every arrow of some length.
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
  // What leads from a box to itself begins and ends there.
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
