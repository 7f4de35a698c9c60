/**
 * Requests that ask for another protocol: which of them become sockets, and what becomes of all others. Knows HTTP
 * and no WebSocket message.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerOn } from '../internals';
import { closeOnceAnswered } from './clientErrors';
import type { Connections } from './connections';

/** The headers by which another protocol is asked for. */
const UPGRADING = new Set(['connection', 'upgrade', 'http2-settings']);

/** RFC 6455, section 4.2.1: what a WebSocket's handshake has in it. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSIONS = new Set(['13', '8']);
const PROTOCOLS = /^[\w!#$%&'*+\-.^`|~]+(?:[ \t]*,[ \t]*[\w!#$%&'*+\-.^`|~]+)*$/;

/**
 * RFC 9110, section 7.8: a protocol that a server does not speak is ignored. Since this server listens for
 * upgrades, Node hands over every request that asks for one, such as those of Java's HTTP client, which asks
 * for HTTP/2 by default. They go in again by the front door, without what they asked for.
 *
 * Node hands over at once, too, while requests ahead on the same connection are being answered. `ws` cannot take
 * the socket then, and it would never be answered or closed. As RFC 9112, section 9.3.2, allows, the connection
 * is closed after those answers instead: what is sent before they came may have to be sent again.
 */
export function handOverUpgrades({ server }: FastifyInstance, connections: Connections): void {
  const [upgradeToWebSocket] = server.listeners('upgrade');
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (answerOn(socket)) closeOnceAnswered(socket);
    else if (request.headers.upgrade?.toLowerCase() !== 'websocket')
      askAgain(server, request, socket, head);
    else {
      // For how long a subscriber may read nothing is another rule.
      connections.release(socket);
      upgradeToWebSocket?.call(server, request, socket, head);
    }
  });
}

/** Has a request asked as if it had not wanted to upgrade. */
function askAgain(
  server: Server,
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const lines = [`${method ?? ''} ${url ?? ''} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!UPGRADING.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1] ?? ''}`);
  }
  socket.unshift(head);
  socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  server.emit('connection', socket);
}

/** Why a request for a WebSocket is answered as HTTP requests are. */
export interface UpgradeRefusal {
  readonly status: 400 | 404;
  readonly code: 'BAD_REQUEST' | 'NOT_FOUND';
  readonly message: string;
}

/**
 * @fastify/websocket opens a socket on any route, and closes it again where the route has no use for one: by then the
 * client has been told 101, and the log the whole URL.
 *
 * @param request one that asks for a WebSocket
 * @param url the route that has sockets
 * @returns why it gets none, or undefined where it does
 */
export function upgradeRefusal(
  { method, headers, routeOptions }: FastifyRequest,
  url: string,
): UpgradeRefusal | undefined {
  if (routeOptions.url !== url) {
    const message = `There is no WebSocket here. GraphQL is at ${url}.`;
    return { status: 404, code: 'NOT_FOUND', message };
  }
  const isHandshake =
    method === 'GET' &&
    KEY.test(headers['sec-websocket-key'] ?? '') &&
    VERSIONS.has(String(headers['sec-websocket-version'])) &&
    PROTOCOLS.test(headers['sec-websocket-protocol'] ?? 'none');
  if (isHandshake) return undefined;
  const message = 'This is no handshake of a WebSocket, as RFC 6455 describes it.';
  return { status: 400, code: 'BAD_REQUEST', message };
}

/**
 * The answer to a request that wanted a socket is its connection's last, since Node parses no request there any more.
 * What the client has sent meanwhile is read, or the system would reset the connection, and the answer be lost.
 */
export function answerLast({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'close');
  raw.socket.resume();
}
