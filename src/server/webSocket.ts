/**
 * Subscriptions over WebSocket: the protocol `graphql-transport-ws`, spoken by graphql-ws. Owns when a socket
 * is given up; does not know what is subscribed to.
 *
 * Not graphql-ws's own adapter: that gives up a client which reads nothing for as long as a ping takes, and
 * tells the console of whatever a client sends wrong.
 */
import fastifyWebSocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { ExecutionResult } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import type { Context } from '../resolvers/context';
import type { Accepted, Subscriptions } from './subscriptions';

/** How often a socket is pinged, in milliseconds; shorter than proxies wait. */
const PING = 25_000;

/** How long nothing may be heard of a client, in milliseconds. */
const LONGEST_SILENCE = 120_000;

/** The most bytes of a message: far more than any document of ours needs. */
const MESSAGE_LIMIT = 100_000;

/** The most bytes that may wait for a client who keeps asking and reads nothing. */
const BACKLOG_LIMIT = 4_000_000;

/** "Service restart", by RFC 6455's registry: come back, to whoever answers. */
const RESTART = 1012;

/** To be registered before any route is declared. */
export async function webSockets(server: FastifyInstance): Promise<void> {
  await server.register(fastifyWebSocket, {
    options: { maxPayload: MESSAGE_LIMIT, handleProtocols },
    // What a client does wrong on its socket ends that socket, and is nobody else's business.
    errorHandler: (_error, socket) => {
      socket.terminate();
    },
    preClose: (done) => {
      const { websocketServer } = server;
      for (const socket of websocketServer.clients) socket.close(RESTART, 'Restarting');
      websocketServer.close();
      done();
    },
  });
}

/** @returns what is to be done with each socket */
export function speakGraphQL(
  subscriptions: Subscriptions,
  contextOf: (requestId: string) => Context,
  newId: () => string,
): (socket: WebSocket) => void {
  const graphql = makeServer({
    onSubscribe: (_connection, _id, payload) => {
      const accepted = subscriptions.accept(payload, contextOf(newId()));
      return 'document' in accepted ? accepted : [...accepted];
    },
    // What `onSubscribe` accepted.
    subscribe: (accepted) => subscriptions.begin(accepted as Accepted),
    onNext: (_connection, _id, _payload, { contextValue }, result) =>
      // From `accept`, and from `begin`.
      subscriptions.tell(result as ExecutionResult, contextValue as Context),
    onError: (_connection, _id, _payload, errors) =>
      subscriptions.tellErrors(errors, { requestId: newId() }),
  });

  return (socket) => {
    let heardAt = Date.now();
    const heard = (): void => {
      heardAt = Date.now();
      if (socket.bufferedAmount > BACKLOG_LIMIT) socket.terminate();
    };
    const pinging = setInterval(() => {
      if (Date.now() - heardAt > LONGEST_SILENCE) socket.terminate();
      else socket.ping();
    }, PING);
    socket.on('ping', heard).on('pong', heard).on('message', heard);

    const closed = graphql.opened(
      {
        protocol: socket.protocol,
        // Resolved once the client has room: until then the next result is not asked for.
        send: async (message) =>
          new Promise((resolve) => {
            socket.send(message, () => {
              // Whoever is gone is told so by the end of the socket.
              resolve();
            });
          }),
        close: (code, reason) => {
          socket.close(code, reason);
        },
        onMessage: (receive) => {
          socket.on('message', (message: Buffer) => {
            receive(message.toString()).catch((error: unknown) => {
              subscriptions.tellErrors([error], { requestId: newId() });
              socket.close(CloseCode.InternalServerError, 'Internal server error');
            });
          });
        },
      },
      {},
    );
    socket.once('close', (code: number, reason: Buffer) => {
      clearInterval(pinging);
      void closed(code, reason.toString());
    });
  };
}
