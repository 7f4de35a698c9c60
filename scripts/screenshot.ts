/**
 * Takes the README's picture of the dashboard, with a server and an embedded database of its own: `npm run
 * screenshot`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { chromium } from 'playwright-core';
import { startApplication } from 'persistent-machine/application';
import { served } from '../src/application';
import { readConfiguration } from 'persistent-machine/config';

const PICTURE = 'web/screenshot.png';

/** The text of the page when enough lives have ended for a good picture. */
const ENDED = /^1[5-9]\d of /;

async function screenshot(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'screenshot-'));
  const configuration = readConfiguration({ PORT: '0', DATA_DIR: directory });
  const application = await startApplication(served, configuration, pino({ level: 'silent' }));
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium-headless-shell',
    // In a container, root has no user namespace for the sandbox.
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 760 } });
    await page.goto(application.url);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText(ENDED).waitFor({ timeout: 120_000 });
    await page.screenshot({ path: PICTURE });
  } finally {
    await browser.close();
    await application.stop();
    await rm(directory, { recursive: true });
  }
}

void screenshot();
