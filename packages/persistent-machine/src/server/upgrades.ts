/**
 * Requests that ask for another protocol: decides which become WebSockets, and how the others are answered. Knows HTTP,
 * and no WebSocket messages.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerOn } from '../internals';
import { closeOnceAnswered } from './clientErrors';
import type { Connections } from './connections';

/** The headers that ask for another protocol. */
const UPGRADING = new Set(['connection', 'upgrade', 'http2-settings']);

/** The parts of a WebSocket handshake: RFC 6455, section 4.2.1. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSIONS = new Set(['13', '8']);
const PROTOCOLS = /^[\w!#$%&'*+\-.^`|~]+(?:[ \t]*,[ \t]*[\w!#$%&'*+\-.^`|~]+)*$/;

/**
 * A server ignores a protocol that it does not speak (RFC 9110, section 7.8). Because this server listens for
 * upgrades, Node hands over every request that asks for any protocol: Java's HTTP client asks for HTTP/2 by default.
 * Such a request is parsed again without the upgrade headers.
 *
 * Node also hands over an upgrade while earlier requests on the connection are unanswered. `ws` cannot take the socket
 * then, and would neither answer nor close it. So the server closes the connection after the earlier answers, as
 * RFC 9112, section 9.3.2, allows, and the client may have to send the upgrade again.
 */
export function handOverUpgrades({ server }: FastifyInstance, connections: Connections): void {
  const [upgradeToWebSocket] = server.listeners('upgrade');
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (answerOn(socket)) closeOnceAnswered(socket);
    else if (request.headers.upgrade?.toLowerCase() !== 'websocket')
      askAgain(server, request, socket, head);
    else {
      // Sockets have a rule of their own for clients that read nothing.
      connections.release(socket);
      upgradeToWebSocket?.call(server, request, socket, head);
    }
  });
}

/** Gives a request to Node's parser again, without the upgrade headers. */
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

/** The HTTP answer to a request for a WebSocket that gets none. */
export interface UpgradeRefusal {
  readonly status: 400 | 404;
  readonly code: 'BAD_REQUEST' | 'NOT_FOUND';
  readonly message: string;
}

/**
 * @fastify/websocket opens a socket on any route, and closes it again if the route has no handler for sockets. By then
 * the client has seen status 101, and the log has the whole URL.
 *
 * @param request a request for a WebSocket
 * @param url the only route with sockets
 * @returns why the request is refused; undefined if it is not
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
  const message = 'This is not a valid WebSocket handshake (RFC 6455).';
  return { status: 400, code: 'BAD_REQUEST', message };
}

/**
 * Closes the connection after the answer to a refused upgrade, because Node parses no further request on it. Reads what
 * the client sends meanwhile: with unread data the operating system would reset the connection, and lose the answer.
 */
export function answerLast({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'close');
  raw.socket.resume();
}
