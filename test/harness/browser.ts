/** A browser, and windows that record what a page may not do. */
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core';

/** Debian's browser without windows of its own takes half of the processor's time that chromium takes. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium-headless-shell',
    args: [
      // A container's root has no user namespace for the sandbox.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      // The browser's own requests to the internet are off.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface Window {
  readonly page: Page;
  /** What no page may ever do: throw, or contact another origin. */
  readonly offences: readonly string[];
  /** What a page may do only if the server does not answer: log errors, and get failed answers. */
  readonly complaints: readonly string[];
}

/** A window with storage of its own. */
export async function openWindow(
  browser: Browser,
  { url }: { readonly url: string },
  options: BrowserContextOptions = {},
): Promise<Window> {
  const context = await browser.newContext({ baseURL: url, ...options });
  const page = await context.newPage();
  // Long enough for a machine that is busy with other tests.
  page.setDefaultTimeout(60_000);
  const offences: string[] = [];
  const complaints: string[] = [];
  page.on('pageerror', (error) => offences.push(`threw: ${error.message}`));
  page.on('request', (request) => {
    const { origin, protocol, href } = new URL(request.url());
    if (origin !== url && protocol !== 'data:') offences.push(`asked for: ${href}`);
  });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`logged: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`got ${response.status()}: ${response.url()}`);
  });
  return { page, offences, complaints };
}
