/**
 * Subscriptions over WebSocket: the protocol `graphql-transport-ws`, spoken by graphql-ws. Owns when a socket
 * is given up; does not know what is subscribed to.
 *
 * Not graphql-ws's own adapter: that gives up a client which reads nothing for as long as a ping takes, and
 * tells the console of whatever a client sends wrong.
 */
import fastifyWebSocket, { type WebSocket } from '@fastify/websocket';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import type { Context } from '../resolvers/context';
import { type Accepted, type Results, type Subscriptions, refusal } from './subscriptions';

/** How often a socket is pinged, in milliseconds; shorter than proxies wait. */
const PING = 25_000;

/** How long nothing may be heard of a client, in milliseconds. */
const LONGEST_SILENCE = 120_000;

/** The most bytes of a message: far more than any document of ours needs. */
const MESSAGE_LIMIT = 100_000;

/** The most bytes that may wait for a client who keeps asking and reads nothing. */
const BACKLOG_LIMIT = 4_000_000;

/** The most subscriptions of one socket. */
const MOST_SUBSCRIPTIONS = 100;

/** How long a client has to take leave at shutdown, in milliseconds. */
const LAST_WORDS = 1_000;

/** The headers by which another protocol is asked for. */
const UPGRADING = new Set(['connection', 'upgrade', 'http2-settings']);

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
      // A client that does not answer, as one that sleeps, would be waited for.
      setTimeout(() => {
        for (const socket of websocketServer.clients) socket.terminate();
      }, LAST_WORDS).unref();
      done();
    },
  });
  ignoreOtherUpgrades(server);
}

/**
 * RFC 9110, section 7.8: a protocol that a server does not speak is ignored. Since somebody listens for
 * upgrades, Node hands over every request that asks for one, such as those of Java's HTTP client, which asks
 * for HTTP/2 by default. They go in again by the front door, without what they asked for.
 */
function ignoreOtherUpgrades({ server }: FastifyInstance): void {
  const [upgradeToWebSocket] = server.listeners('upgrade');
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') {
      upgradeToWebSocket?.call(server, request, socket, head);
      return;
    }
    const lines = [`${request.method ?? ''} ${request.url ?? ''} HTTP/${request.httpVersion}`];
    const { rawHeaders } = request;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? '';
      if (!UPGRADING.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1] ?? ''}`);
    }
    socket.unshift(head);
    socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
    server.emit('connection', socket);
  });
}

/** What a socket is for as long as it is open. */
interface Connection extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  /** The ids of operations that have not ended. */
  readonly running: Set<string>;
  readonly results: Set<Results>;
}

/** @returns what is to be done with each socket */
export function speakGraphQL(
  subscriptions: Subscriptions,
  contextOf: (requestId: string) => Context,
  newId: () => string,
): (socket: WebSocket) => void {
  const graphql = makeServer<Record<string, unknown>, Connection>({
    onSubscribe: ({ extra: { socket, running } }, id, payload) => {
      if (running.has(id)) {
        // It was completed, and has not ended yet: graphql-ws would take the end of that one for this one's.
        socket.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
        return [new GraphQLError('This id is in use.')];
      }
      if (running.size >= MOST_SUBSCRIPTIONS) {
        return [refusal('BAD_REQUEST', `A socket carries ${MOST_SUBSCRIPTIONS} at most.`)];
      }
      const accepted = subscriptions.accept(payload, contextOf(newId()));
      if (!('document' in accepted)) return [...accepted];
      running.add(id);
      return accepted;
    },
    // What `onSubscribe` accepted.
    subscribe: (accepted) => subscriptions.begin(accepted as Accepted),
    onOperation: ({ extra: { socket, results } }, _id, _payload, _accepted, result) => {
      // From `begin`.
      if (!(Symbol.asyncIterator in result)) return;
      const stream = result as Results;
      if (socket.readyState === socket.OPEN) results.add(stream);
      else void stream.return?.();
    },
    onComplete: ({ extra: { running } }, id) => {
      running.delete(id);
    },
    onNext: (_connection, _id, _payload, { contextValue }, result) =>
      // From `accept`, and from `begin`.
      subscriptions.tell(result as ExecutionResult, contextValue as Context),
    onError: (_connection, _id, _payload, errors) =>
      subscriptions.tellErrors(errors, { requestId: newId() }),
  });

  return (socket) => {
    const connection: Connection = { socket, running: new Set(), results: new Set() };
    const gone = new Promise((resolve) => socket.once('close', resolve));
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
        send: async (message) => {
          // Nor for a client that is on its way out.
          if (socket.readyState === socket.CLOSING) await gone;
          await new Promise<void>((resolve) => {
            socket.send(message, () => {
              // Whoever is gone is told so by the end of the socket.
              resolve();
            });
          });
        },
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
      connection,
    );
    socket.once('close', (code: number, reason: Buffer) => {
      clearInterval(pinging);
      for (const results of connection.results) void results.return?.();
      void closed(code, reason.toString());
    });
  };
}
