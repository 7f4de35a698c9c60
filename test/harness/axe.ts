/** What axe-core finds on a page. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** @returns what axe-core finds, and whether the page must be scrolled sideways */
export async function findingsOn(page: Page): Promise<unknown> {
  // Not by a script element, which the page's policy forbids.
  await page.evaluate(AXE);
  return page.evaluate(`axe.run().then(({ violations }) => ({
    violations: violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]),
    sticksOut: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  }))`);
}

export const NOTHING = { violations: [], sticksOut: false };
