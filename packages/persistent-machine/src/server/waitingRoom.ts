/**
 * What listens while the database is not there yet, or not up to date: it is healthy, not ready, and tells clients that
 * there is nothing to be had for now. Does not know what is waited for, nor for how long.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { DatabaseUnavailable } from '../database/failures';
import { Connections } from './connections';
import { tellFailure } from './errors';
import { createHttpServer } from './httpServer';

export interface WaitingRoom {
  /** Where it listens; what takes its place can have the same. */
  readonly port: number;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

export interface WaitingRoomSettings {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The most connections of clients. */
  readonly mostConnections: number;
  /** How long a request may take to arrive, and its answer to be taken, in milliseconds. */
  readonly requestTimeout: number;
}

/** For how long a connection is kept after an answer, in milliseconds. */
const KEEP_ALIVE = 5_000;

/** @throws Node's own error, where that cannot be listened on */
export async function openWaitingRoom(
  { host, port, mostConnections, requestTimeout }: WaitingRoomSettings,
  log: FastifyBaseLogger,
): Promise<WaitingRoom> {
  const server = createHttpServer(
    {
      connections: new Connections(mostConnections, requestTimeout, log),
      requestTimeout,
      keepAliveTimeout: KEEP_ALIVE,
      // Nothing is counted or logged of what is refused before there is a database.
      onRefusal: () => randomUUID(),
    },
    ({ url = '' }, response) => {
      const [path] = url.split('?', 1);
      if (path === '/healthz') answer(response, 200, { status: 'alive' });
      else if (path === '/readyz') answer(response, 503, { status: 'not ready' });
      else refuse(response);
    },
  );
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

/** As admission does. */
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
