/**
 * The server's WebSockets: the limits of their messages, and how they end at shutdown. Does not know what is said on
 * them.
 */
import fastifyWebSocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import { handleProtocols } from 'graphql-ws';
import type { Connections } from './connections';
import { handOverUpgrades } from './upgrades';

/** How long a client has to take leave at shutdown, in milliseconds. */
const LAST_WORDS = 1_000;

const OPTIONS = {
  handleProtocols,
  /** The most bytes of a message: far more than any document of ours needs. */
  maxPayload: 100_000,
  /** In how many frames it may come, and the pieces of the network's that one frame may. Each costs more than a byte. */
  maxFragments: 100,
  maxBufferedChunks: 1_000,
  /** How long a client may leave a close unanswered, in milliseconds. What it sends meanwhile is read, and dropped. */
  closeTimeout: 5_000,
};

/** "Service restart", by RFC 6455's registry: come back, to whichever instance answers. */
const RESTART = 1012;

/** To be registered before any route is declared. */
export async function webSockets(server: FastifyInstance, connections: Connections): Promise<void> {
  await server.register(fastifyWebSocket, {
    options: OPTIONS,
    // What a client does wrong on its socket ends that socket, and concerns no other client. `ws` has closed it by
    // now, with the code for it, unless the mistake is ours.
    errorHandler: (_error, socket) => {
      if (socket.readyState === socket.OPEN) socket.terminate();
    },
    preClose: (done) => {
      const { websocketServer } = server;
      for (const socket of websocketServer.clients) socket.close(RESTART, 'Restarting');
      websocketServer.close();
      // A client that does not answer, as one that sleeps, would be waited for.
      setTimeout(() => {
        for (const socket of websocketServer.clients) socket.terminate();
      }, LAST_WORDS).unref();
      done();
    },
  });
  handOverUpgrades(server, connections);
}
