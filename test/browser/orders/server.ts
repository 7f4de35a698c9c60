/**
 * A server of orders, in place of one of lives. It answers as the engine would for another machine, as far as the
 * dashboard asks, and serves the dashboard's files.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { graphql } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { type Given, Ledger } from './Ledger';
import { schema } from './schema';

export interface Orders {
  /** Without a path: `http://127.0.0.1:…`. */
  readonly url: string;
  /** The arguments of each mutation, the oldest first. */
  readonly told: readonly Given[];
  stop(): Promise<void>;
}

const TYPES_OF_FILES: Record<string, string> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export async function startOrders(): Promise<Orders> {
  const { root, told } = new Ledger();
  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '/';
      if (path === '/graphql') {
        const { query, variables } = JSON.parse(await text(request));
        const answer = await graphql({
          schema,
          source: query,
          rootValue: root,
          variableValues: variables,
        });
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
        return;
      }
      // Any other address belongs to a view of the dashboard.
      const file = path.startsWith('/assets/') ? path : 'index.html';
      response.setHeader('content-type', TYPES_OF_FILES[extname(file)] ?? 'text/html');
      response.end(await readFile(join('dist/web', file)));
    })();
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const subscriptions = useServer({ schema, roots: { query: root, subscription: root } }, sockets);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    // A server that listens on a port has an address with it.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    stop: async () => {
      await subscriptions.dispose();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
