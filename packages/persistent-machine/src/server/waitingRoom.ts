/**
 * The server that listens while the database cannot be reached or is not migrated yet: it is healthy but not ready, and
 * refuses clients with `DATABASE_UNAVAILABLE`. Does not know how long that lasts.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { DatabaseUnavailable } from '../database/failures';
import { Connections } from './connections';
import { describeFailure } from './errors';
import { createHttpServer } from './httpServer';

export interface WaitingRoom {
  /** The port that it listens on, which its successor can take over. */
  readonly port: number;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

export interface WaitingRoomSettings {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The most connections of clients. */
  readonly mostConnections: number;
  /** Limits the arrival of a request, and the client's reading of the answer, each in milliseconds. */
  readonly requestTimeout: number;
}

/** How long a connection is kept after an answer, in milliseconds. */
const KEEP_ALIVE = 5_000;

/** @throws Node's own error if it cannot listen on the host and port */
export async function openWaitingRoom(
  { host, port, mostConnections, requestTimeout }: WaitingRoomSettings,
  log: FastifyBaseLogger,
): Promise<WaitingRoom> {
  const server = createHttpServer(
    {
      connections: new Connections(mostConnections, requestTimeout, log),
      requestTimeout,
      keepAliveTimeout: KEEP_ALIVE,
      // Metrics and logs begin with the real server.
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

/** Answers as admission does during an outage. */
function refuse(response: ServerResponse): void {
  const { code, message } = describeFailure(new DatabaseUnavailable());
  const requestId = randomUUID();
  response.setHeader('retry-after', 1).setHeader('x-request-id', requestId);
  answer(response, 503, { errors: [{ message, extensions: { code, requestId } }] });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(body));
}
