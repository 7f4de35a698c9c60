/**
 * Makes an HTTP server with limits for its connections: their number, and how slowly a client may send and read. Does
 * not know any route.
 */
import { type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { answerHalfOpenConnections } from '../internals';
import { type OnRefusal, answerClientErrors, errorBodyOf } from './clientErrors';
import type { Connections } from './connections';
import { type RequestListener, inTurn } from './pipelining';

export interface HttpSettings {
  readonly connections: Connections;
  /** How long a request may take to arrive, in milliseconds. */
  readonly requestTimeout: number;
  /** How long a connection is kept after an answer, in milliseconds. */
  readonly keepAliveTimeout: number;
  readonly onRefusal: OnRefusal;
}

/** The longest time between two checks for requests that take too long to arrive, in milliseconds. */
const LONGEST_INTERVAL = 1_000;

/** @param handle called for a request after the answers to all earlier requests of its connection */
export function createHttpServer(
  { connections, requestTimeout, keepAliveTimeout, onRefusal }: HttpSettings,
  handle: RequestListener,
): Server {
  const server = createServer(
    {
      keepAliveTimeout,
      requestTimeout,
      // Slow headers must not hold a connection longer than a slow body (Slowloris).
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: Math.min(Math.ceil(requestTimeout / 4), LONGEST_INTERVAL),
      // Node's own refusal has neither a body nor an id.
      requireHostHeader: false,
    },
    inTurn(handle),
  );
  answerHalfOpenConnections(server);
  connections.watchAll(server);
  answerClientErrors(server, onRefusal);
  const refuseExpectation = inTurn((_request, response) => {
    refuse(response, 417, 'The only supported expectation is 100-continue.', onRefusal(417));
  });
  server.on('checkExpectation', refuseExpectation);
  return server;
}

/** Refuses a request before it has a route. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  requestId: string,
): void {
  const body = JSON.stringify(errorBodyOf(message, requestId));
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'x-request-id': requestId,
    })
    .end(body);
}

/**
 * Listens at the second address of `localhost` as well, IPv4 or IPv6, and hands its clients to the server. Does
 * nothing if the computer has no such address.
 */
export function listenAtBothOfLocalhost(server: Server): NetServer {
  // A server that listens at a port has an address.
  const { address, port } = server.address() as AddressInfo;
  const other = new NetServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    server.emit('connection', socket);
  });
  if (server.maxConnections) other.maxConnections = server.maxConnections;
  // There may be no such address, or its port may be taken. The first address is enough.
  other.on('error', () => undefined);
  return other.listen(port, address === '::1' ? '127.0.0.1' : '::1');
}
