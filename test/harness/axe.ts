/** Runs axe-core on a page. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** @returns the violations that axe-core finds, and whether the page must be scrolled sideways */
export async function findingsOn(page: Page): Promise<unknown> {
  // Evaluated, because the page's content security policy forbids another script element.
  await page.evaluate(AXE);
  return page.evaluate(`axe.run().then(({ violations }) => ({
    violations: violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]),
    sticksOut: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  }))`);
}

export const NOTHING = { violations: [], sticksOut: false };
