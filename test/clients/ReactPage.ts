/**
 * The page of `examples/clients/react`, in a real browser and from another origin than the API's. Owns its build, its
 * server and its window. Does not know what is tested.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Locator, Page } from 'playwright-core';
import { openWindow } from '../harness/browser';

/** A server of the page alone. The API needs its origin before the API starts. */
export class Frontend {
  readonly #directory: string;
  readonly #server: Server;
  /** The URL of the API for the page, without a path. */
  api = '';

  private constructor(directory: string) {
    this.#directory = directory;
    this.#server = createServer((request, response) => {
      const [name = ''] = /[^/]*$/.exec(request.url ?? '') ?? [];
      const file = name === '' ? 'index.html' : `assets/${name}`;
      void readFile(path.join(directory, file), 'utf8').then(
        (text) => {
          const type = name === '' ? 'text/html' : 'text/javascript';
          response.setHeader('content-type', `${type}; charset=utf-8`);
          response.end(text.replace('http://localhost:4000', this.api));
        },
        () => response.writeHead(404).end(),
      );
    });
  }

  /** Builds the page for development, because only then does StrictMode mount everything twice. */
  static async start(): Promise<Frontend> {
    const directory = await mkdtemp(path.join(tmpdir(), 'react-'));
    const vite = path.resolve('node_modules/vite/bin/vite.js');
    await promisify(execFile)(
      process.execPath,
      [vite, 'build', 'examples/clients/react', '--outDir', directory, '--minify', 'false'],
      { env: { ...process.env, NODE_ENV: 'development' } },
    );
    const frontend = new Frontend(directory);
    await once(frontend.#server.listen(0, '127.0.0.1'), 'listening');
    return frontend;
  }

  get origin(): string {
    // A server that listens on a port has an address with it.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#directory, { recursive: true });
  }
}

/** The open page, and all that it has sent to the API. */
export class ReactPage {
  readonly page: Page;
  /** The HTTP requests of the page, in order. */
  readonly requests: { readonly operationName: string; readonly variables: object }[] = [];
  /** The messages that the page has sent over WebSockets, in order. */
  readonly messages: { readonly type: string }[] = [];
  readonly #faults: () => readonly string[];

  private constructor(page: Page, faults: () => readonly string[]) {
    this.page = page;
    this.#faults = faults;
    page.on('request', (request) => {
      if (request.method() === 'POST') this.requests.push(request.postDataJSON());
    });
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => {
        this.messages.push(JSON.parse(String(payload)) as { type: string });
      });
    });
  }

  /** @param prepare runs before the page loads */
  static async open(
    browser: Browser,
    { origin, api }: Frontend,
    prepare: (page: Page) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<ReactPage> {
    const { page, offences, complaints } = await openWindow(browser, { url: origin });
    const opened = new ReactPage(page, () => [
      ...offences.filter((offence) => offence !== `asked for: ${api}/graphql`),
      ...complaints,
    ]);
    await prepare(page);
    await page.goto('/');
    return opened;
  }

  /** @param provoked the complaints that a test causes on purpose */
  async close(provoked: RegExp): Promise<void> {
    await this.page.context().close();
    expect(this.#faults().filter((fault) => !provoked.test(fault))).toEqual([]);
  }

  row(id: string): Locator {
    return this.page.getByRole('listitem').filter({ hasText: id });
  }

  get life(): Locator {
    return this.page.getByRole('article');
  }

  get birth(): Locator {
    return this.life.getByRole('button');
  }

  /** Opens one life of the list beside it. */
  async select(id: string): Promise<void> {
    await this.row(id).getByRole('button').click();
    await this.life.waitFor();
  }

  /** Waits until the list and the single life show the same state. */
  async untilBothShow(id: string, state: string): Promise<void> {
    await this.row(id).getByText(state).waitFor();
    await this.life.getByRole('heading', { name: state }).waitFor();
  }

  /** The ids and states of the list, from the top. */
  async list(): Promise<readonly string[]> {
    return this.page.getByRole('listitem').allInnerTexts();
  }

  /** Waits for a message on the page. */
  async untilTold(role: 'status' | 'alert', text: string): Promise<void> {
    await this.page.getByRole(role).getByText(text).waitFor();
  }
}
