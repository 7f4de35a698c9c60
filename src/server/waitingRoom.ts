/**
 * What listens while the database is not there yet, or not up to date: alive, not ready, and telling whoever asks that there is
 * nothing to be had for now. Does not know what is waited for, nor for how long.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseUnavailable } from '../database/failures';
import { tellFailure } from './errors';

export interface WaitingRoom {
  /** Where it listens; whoever takes its place can have the same. */
  readonly port: number;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

/**
 * @param port 0 picks a free one
 * @throws Node's own error, where that cannot be listened on
 */
export async function openWaitingRoom(host: string, port: number): Promise<WaitingRoom> {
  const server = createServer(({ url = '' }, response) => {
    const [path] = url.split('?', 1);
    if (path === '/healthz') answer(response, 200, { status: 'alive' });
    else if (path === '/readyz') answer(response, 503, { status: 'not ready' });
    else refuse(response);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    // A server that listens at a port has an address.
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** As the door does, of which this is the one outside. */
function refuse(response: ServerResponse): void {
  const { code, message } = tellFailure(new DatabaseUnavailable());
  const requestId = randomUUID();
  response.setHeader('retry-after', 1).setHeader('x-request-id', requestId);
  answer(response, 503, { errors: [{ message, extensions: { code, requestId } }] });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(body));
}
