/** A change that a person asks for: it is confirmed, refused, raced, lost on its way, sent again, and done once. */
import { EventEmitter, once } from 'node:events';
import type { Page } from 'playwright-core';
import { livingIn } from '../api/lives';
import { ask } from '../harness';
import { button, change, factOf, mean, onDashboard } from './onDashboard';

jest.setTimeout(180_000);

const { server, open, provoke } = onDashboard();

describe('an event that leads to a final state', () => {
  test('needs a confirmation, and a cancel does nothing', async () => {
    const id = await livingIn(server(), 'Alive');
    const page = await open(`/lives/${id}`);
    await button(page, 'Death').click();
    const dialog = page.getByRole('dialog', { name: 'Death' });
    await dialog.getByText('Nothing can happen to it after that').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    await button(page, 'Death').press('Enter');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await button(page, 'Death').press('Enter');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Death');
    expect((await ask(server(), `{ life(id: "${id}") { version } }`)).data.life.version).toBe(2);

    await mean(page, 'Death');
    await page.getByText('Death is recorded: version 3.').waitFor();
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe(
      'What can happen',
    );
  });

  test('does not take the place of another event’s button, where a second press could hit it', async () => {
    const page = await open(`/lives/${await livingIn(server(), 'Gestating')}`);
    const before = await button(page, 'Death').boundingBox();
    await button(page, 'Birth').click();
    await button(page, 'Birth').waitFor({ state: 'detached' });
    expect(await button(page, 'Death').boundingBox()).toEqual(before);
  });
});

test('the loser of a race learns who won, and sees the life’s current state', async () => {
  const id = await livingIn(server(), 'Gestating');
  const page = await open(`/lives/${id}`);
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('"Birth"')) await change(server(), id, 'die');
    await route.continue();
  });
  await button(page, 'Birth').click();
  const notice = page.getByRole('alert');
  await notice.getByText('Birth is not possible in Dead').waitFor();
  expect(await notice.innerText()).toMatch(
    /Another change was faster: Death, at .+, made this life’s version 2\./,
  );
  await factOf(page, 'Phase').getByText('Dead').waitFor();
  await page.getByRole('region', { name: 'History' }).getByText('version 2').waitFor();
});

test('an answer that is older than what the page shows changes nothing', async () => {
  const id = await livingIn(server(), 'Gestating');
  const page = await open(`/lives/${id}`);
  await factOf(page, 'Phase').getByText('Gestating').waitFor();
  await page.evaluate(`
    shown = [];
    new MutationObserver(() => {
      const phase = document.querySelector('.facts .phase')?.textContent;
      if (phase && shown.at(-1) !== phase) shown.push(phase);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  `);
  // The answer with the birth arrives only after the page has shown the death.
  const signals = new EventEmitter();
  const asked = once(signals, 'asked');
  const released = once(signals, 'released');
  let questions = 0;
  await page.route('**/graphql', async (route) => {
    if (route.request().postDataJSON().operationName === 'Life' && (questions += 1) === 1) {
      const response = await route.fetch();
      signals.emit('asked');
      await released;
      await route.fulfill({ response });
    } else await route.continue();
  });
  await change(server(), id, 'birth');
  await asked;
  await change(server(), id, 'die');
  await factOf(page, 'Phase').getByText('Dead').waitFor();
  signals.emit('released');
  // The next answer is current again.
  await page.getByRole('region', { name: 'History' }).getByText('version 3').waitFor();
  expect(await page.evaluate('shown')).toEqual(['Alive', 'Dead']);
});

describe('a change whose answer is lost', () => {
  const historyOf = async (id: string): Promise<string[]> => {
    const { data } = await ask(
      server(),
      'query ($id: ID!) { life(id: $id) { history { nodes { event } } } }',
      {
        id,
      },
    );
    return (data.life.history.nodes as { event: string }[]).map(({ event }) => event);
  };

  test.each([
    ['on its way back', undefined],
    [
      'because the server answers OUTCOME_UNKNOWN',
      {
        status: 200,
        contentType: 'application/json',
        body: JSON.stringify({
          errors: [{ message: 'Lost.', extensions: { code: 'OUTCOME_UNKNOWN' } }],
        }),
      },
    ],
    [
      'because admission refuses it',
      {
        status: 503,
        headers: { 'retry-after': '1' },
        contentType: 'application/json',
        body: JSON.stringify({
          errors: [{ message: 'Busy.', extensions: { code: 'OVERLOADED' } }],
        }),
      },
    ],
  ])('%s is sent again with the same key, and happens once', async (_where, answer) => {
    provoke(/ERR_FAILED|503/);
    const id = await livingIn(server(), 'Gestating');
    const page = await open(`/lives/${id}`);
    const keys: unknown[] = [];
    await page.route('**/graphql', async (route) => {
      const { operationName, variables } = route.request().postDataJSON();
      if (operationName !== 'Birth' || keys.push(variables.idempotencyKey) > 1) {
        await route.continue();
        return;
      }
      // The server had applied it.
      await route.fetch();
      await (answer === undefined ? route.abort() : route.fulfill(answer));
    });
    await button(page, 'Birth').click();
    await page.getByText('Birth is recorded: version 2.').waitFor();
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(await historyOf(id)).toEqual(['CONCEPTION', 'BIRTH']);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  /** Waits until the page has sent the change several times, and skips the pauses in between. */
  const sentOften = async (page: Page, keys: readonly unknown[]): Promise<void> => {
    while (keys.length < 10) await page.clock.fastForward(2_500);
  };

  /**
   * Loses all answers to an operation, until `isLost` is false.
   *
   * @param isDone whether the server executes the operation nevertheless
   * @returns the keys that the page has sent with it
   */
  const loseAnswers = async (
    page: Page,
    operation: string,
    keyOf: (variables: { id: unknown; idempotencyKey: unknown }) => unknown,
    isDone = true,
  ): Promise<{ keys: unknown[]; isLost: boolean }> => {
    const loss = { keys: [] as unknown[], isLost: true };
    await page.route('**/graphql', async (route) => {
      const { operationName, variables } = route.request().postDataJSON();
      if (operationName !== operation) return route.continue();
      loss.keys.push(keyOf(variables));
      if (!loss.isLost) return route.continue();
      if (isDone) await route.fetch();
      return route.abort();
    });
    await page.clock.install();
    return loss;
  };

  test('is sent again until the server answers, and the page shows a notice for as long', async () => {
    provoke(/ERR_FAILED/);
    const id = await livingIn(server(), 'Gestating');
    const page = await open(`/lives/${id}`);
    const loss = await loseAnswers(page, 'Birth', ({ idempotencyKey }) => idempotencyKey);
    await button(page, 'Birth').click();
    const notice = page.getByRole('alert');
    await notice.getByText('cannot be reached').waitFor();
    await notice.getByText('The page sends it again, with the same key').waitFor();
    await sentOften(page, loss.keys);
    expect(await notice.count()).toBe(1);
    loss.isLost = false;
    const recorded = page.getByText('Birth is recorded: version 2.');
    while (!(await recorded.isVisible())) await page.clock.fastForward(2_500);
    expect(await notice.count()).toBe(0);
    expect(new Set(loss.keys).size).toBe(1);
    expect(await historyOf(id)).toEqual(['CONCEPTION', 'BIRTH']);
  });

  test('is not sent again after a stop, and a later press sends it with the same key', async () => {
    provoke(/ERR_FAILED/);
    const id = await livingIn(server(), 'Gestating');
    const page = await open(`/lives/${id}`);
    const loss = await loseAnswers(page, 'Die', ({ idempotencyKey }) => idempotencyKey, false);
    await mean(page, 'Death');
    await button(page, 'Stop sending').click();
    await page.getByText('It is not sent again.').waitFor();
    const sent = loss.keys.length;
    await page.clock.fastForward(60_000);
    expect(loss.keys.length).toBe(sent);
    loss.isLost = false;
    await page.keyboard.press('Escape');
    await mean(page, 'Death');
    await page.getByText('Death is recorded: version 2.').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(new Set(loss.keys).size).toBe(1);
    expect(await historyOf(id)).toEqual(['CONCEPTION', 'DEATH']);
  });

  test('is one life, and the next conception is another one', async () => {
    provoke(/ERR_FAILED/);
    const page = await open('/');
    const loss = await loseAnswers(page, 'Conceive', ({ id }) => id);
    await button(page, 'Conceive').click();
    await page.getByRole('alert').getByText('cannot be reached').waitFor();
    await sentOften(page, loss.keys);
    loss.isLost = false;
    const link = page.getByRole('status').getByRole('link');
    while (!(await link.isVisible())) await page.clock.fastForward(2_500);
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(await link.getAttribute('title')).toBe(loss.keys[0]);
    expect(new Set(loss.keys).size).toBe(1);
    await button(page, 'Conceive').click();
    await page.locator(`[role=status] a:not([title="${String(loss.keys[0])}"])`).waitFor();
    expect(new Set(loss.keys).size).toBe(2);
  });
});

test.each([
  ['LifeNotFound', {}, 'Perhaps its link was cut short'],
  ['IdempotencyKeyReused', {}, 'Try again: it gets another.'],
  [
    'OccurredAtOutOfRange',
    {
      refusalEarliest: '2026-01-01T00:00:00.000Z',
      refusalLatest: '2026-01-02T00:00:00.000Z',
    },
    'Is a clock wrong?',
  ],
  ['TooYoung', {}, null],
])('the page explains %s and suggests what to do', async (__typename, facts, sentence) => {
  const id = await livingIn(server(), 'Gestating');
  const page = await open(`/lives/${id}`);
  // No button of the page causes any of these, so the test answers itself.
  await page.route('**/graphql', (route) =>
    route.request().postDataJSON().operationName === 'Birth'
      ? route.fulfill({
          json: { data: { outcome: { __typename, refusalMessage: 'It was refused.', ...facts } } },
        })
      : route.continue(),
  );
  await button(page, 'Birth').click();
  const notice = page.getByRole('alert');
  await notice.getByText('It was refused.').waitFor();
  if (sentence === null) expect(await notice.innerText()).toBe('It was refused.');
  else await notice.getByText(sentence).waitFor();
});
