/**
 * The server's WebSockets: the limits of their messages, and how they are closed. Does not know the messages.
 */
import fastifyWebSocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import { handleProtocols } from 'graphql-ws';
import type { Connections } from './connections';
import { handOverUpgrades } from './upgrades';

/** How long a client may take to answer the close at shutdown, in milliseconds. */
const LAST_WORDS = 1_000;

/** The most bytes of the reason of a close: RFC 6455, section 5.5. */
const LONGEST_REASON = 123;

const OPTIONS = {
  handleProtocols,
  /** The most bytes of a message: far more than a document needs. */
  maxPayload: 100_000,
  /** The most frames of a message, and the most network reads of a frame. Each costs more than a byte. */
  maxFragments: 100,
  maxBufferedChunks: 1_000,
  /** How long a client may leave a close unanswered, in milliseconds. `ws` reads and drops what it sends meanwhile. */
  closeTimeout: 5_000,
};

/** "Service restart", by RFC 6455's registry: the client should reconnect. */
const RESTART = 1012;

/** Must be called before any route is declared. */
export async function webSockets(server: FastifyInstance, connections: Connections): Promise<void> {
  await server.register(fastifyWebSocket, {
    options: OPTIONS,
    // A client's error ends its own socket only. `ws` has closed that with the right code, unless the fault is ours.
    errorHandler: (_error, socket) => {
      if (socket.readyState === socket.OPEN) socket.terminate();
    },
    preClose: (done) => {
      const { websocketServer } = server;
      for (const socket of websocketServer.clients) socket.close(RESTART, 'Restarting');
      websocketServer.close();
      // A client that never answers, such as a sleeping laptop, would delay the shutdown.
      setTimeout(() => {
        for (const socket of websocketServer.clients) socket.terminate();
      }, LAST_WORDS).unref();
      done();
    },
  });
  handOverUpgrades(server, connections);
}

/** Closes a socket, with the reason cut to what a close frame holds. */
export function close(socket: WebSocket, code: number, reason: string): void {
  // The cut may split a character, which decodes to a replacement character.
  const text = Buffer.from(reason)
    .subarray(0, LONGEST_REASON)
    .toString()
    .replace(/\uFFFD$/, '');
  socket.close(code, text);
}
