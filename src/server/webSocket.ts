/**
 * Subscriptions over WebSocket: the protocol `graphql-transport-ws`, spoken by graphql-ws. Owns when a socket
 * is given up; does not know what is subscribed to.
 *
 * Not graphql-ws's own adapter: that gives up a client which reads nothing for as long as a ping takes, and
 * tells the console of whatever a client sends wrong.
 */
import fastifyWebSocket, { type WebSocket } from '@fastify/websocket';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, MessageType, handleProtocols, makeServer, parseMessage } from 'graphql-ws';
import {
  type Authentication,
  type Caller,
  KeysUnavailable,
  Unauthenticated,
  onceExpired,
  scopeRefusal,
} from './authentication';
import { codeOfError } from './errors';
import type { RequestContext } from './graphql';
import { Observation } from './observation';
import { type Accepted, type Results, type Subscriptions, refusal } from './subscriptions';

/** How often a socket is pinged, in milliseconds; shorter than proxies wait. */
const PING = 25_000;

/** How long nothing may be heard of a client, in milliseconds. */
const LONGEST_SILENCE = 120_000;

/** The most bytes of a message: far more than any document of ours needs. */
const MESSAGE_LIMIT = 100_000;

/** The most bytes that may wait for a client who keeps asking and reads nothing. */
const BACKLOG_LIMIT = 4_000_000;

/** How many bytes may wait before the next result is not asked for. */
const ROOM = 64_000;

/** The most subscriptions of one socket. */
const MOST_SUBSCRIPTIONS = 100;

/** How long a client has to take leave at shutdown, in milliseconds. */
const LAST_WORDS = 1_000;

const SERVERS_MESSAGES: ReadonlySet<MessageType> = new Set([
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
]);

/** The headers by which another protocol is asked for. */
const UPGRADING = new Set(['connection', 'upgrade', 'http2-settings']);

/** "Service restart", by RFC 6455's registry: come back, to whoever answers. */
const RESTART = 1012;

/** "Try again later", by the same. */
const LATER = 1013;

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
  handOverUpgrades(server);
}

/**
 * RFC 9110, section 7.8: a protocol that a server does not speak is ignored. Since somebody listens for
 * upgrades, Node hands over every request that asks for one, such as those of Java's HTTP client, which asks
 * for HTTP/2 by default. They go in again by the front door, without what they asked for.
 *
 * Node hands over at once, too, while requests ahead on the same connection are being answered. Whoever took the
 * socket then would fail, and nobody ever answer or close it. As RFC 9112, section 9.3.2, allows, the connection
 * is closed after those answers instead: what is sent before they came may have to be sent again.
 */
function handOverUpgrades({ server }: FastifyInstance): void {
  const [upgradeToWebSocket] = server.listeners('upgrade');
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (answerOn(socket)) closeOnceAnswered(socket);
    else if (request.headers.upgrade?.toLowerCase() !== 'websocket')
      askAgain(server, request, socket, head);
    else upgradeToWebSocket?.call(server, request, socket, head);
  });
}

/** The answer that a socket is for, if it is for one; Node has no documented name for it. */
function answerOn(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

function closeOnceAnswered(socket: Socket): void {
  // Node has taken its own listener away, and without any a reset connection would end the process.
  socket.on('error', () => undefined);
  // What comes meanwhile is not kept, and unread it would have the system reset the connection, answers included.
  socket.resume();
  const next = (): void => {
    // The next answer, if there is one, has the socket by now.
    const answer = answerOn(socket);
    if (answer) answer.once('close', next);
    else socket.destroySoon();
  };
  next();
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

/** What a socket is for as long as it is open. */
interface Connection extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  /** Operations that have not ended, by their ids; null: it has not begun. */
  readonly running: Map<string, Results | null>;
  /** Of operations that have not ended, or were just refused. */
  readonly observations: Map<string, Observation>;
  /** Who asks, once they have said so. */
  caller?: Caller;
}

/**
 * @param authentication finds out who asks; undefined: whoever asks may
 * @returns what is to be done with each socket
 */
export function speakGraphQL(
  subscriptions: Subscriptions,
  contextOf: (observation: Observation) => RequestContext,
  newId: () => string,
  authentication: Authentication | undefined,
): (socket: WebSocket, request: FastifyRequest) => void {
  const accept = (
    { socket, running, caller }: Connection,
    id: string,
    payload: unknown,
    observation: Observation,
  ): Accepted | readonly GraphQLError[] => {
    if (running.has(id)) {
      // It was completed, and has not ended yet: graphql-ws would take the end of that one for this one's.
      socket.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
      return [refusal('BAD_REQUEST', 'This id is in use.')];
    }
    if (running.size >= MOST_SUBSCRIPTIONS) {
      return [refusal('BAD_REQUEST', `A socket carries ${MOST_SUBSCRIPTIONS} at most.`)];
    }
    const refused = authentication && scopeRefusal('subscription', caller?.scopes ?? null);
    return refused ? [refused] : subscriptions.accept(payload, contextOf(observation));
  };
  const graphql = makeServer<Record<string, unknown>, Connection>({
    onConnect: async ({ connectionParams = {}, extra: connection }) => {
      if (authentication === undefined) return true;
      const { socket } = connection;
      try {
        const caller = await authentication.callerOf(authorizationIn(connectionParams));
        // It may be gone by now.
        if (socket.readyState !== socket.OPEN) return false;
        connection.caller = caller;
        const stopWaiting = onceExpired(caller, () => {
          socket.close(CloseCode.Unauthorized, 'The token has expired');
        });
        socket.once('close', stopWaiting);
        return true;
      } catch (error) {
        const observation = new Observation(newId());
        if (error instanceof Unauthenticated) {
          subscriptions.refused(observation, 'UNAUTHENTICATED');
          socket.close(CloseCode.Unauthorized, 'Unauthorized');
        } else if (error instanceof KeysUnavailable) {
          subscriptions.refused(observation, 'OVERLOADED');
          socket.close(LATER, 'Tokens cannot be checked right now');
        } else {
          throw error;
        }
        // It is closed already, so that graphql-ws's own close has no effect.
        return false;
      }
    },
    onSubscribe: ({ extra: connection }, id, payload) => {
      const observation = new Observation(newId());
      connection.observations.set(id, observation);
      const accepted = accept(connection, id, payload, observation);
      if ('document' in accepted) {
        connection.running.set(id, null);
        return accepted;
      }
      subscriptions.refused(observation, codeOfError(accepted[0]));
      return [...accepted];
    },
    // What `onSubscribe` accepted.
    subscribe: async (given) => {
      const accepted = given as Accepted;
      const begun = await subscriptions.begin(accepted);
      if ('errors' in begun) {
        subscriptions.refused(accepted.contextValue.observation, codeOfError(begun.errors[0]));
      }
      return begun;
    },
    onOperation: ({ extra: { socket, running } }, id, _payload, _accepted, result) => {
      // From `begin`.
      if (!(Symbol.asyncIterator in result)) return;
      const stream = result as Results;
      if (socket.readyState === socket.OPEN) running.set(id, stream);
      else void stream.return?.();
    },
    onComplete: ({ extra: { running, observations } }, id) => {
      running.delete(id);
      observations.delete(id);
    },
    onNext: (_connection, _id, _payload, { contextValue }, result) =>
      // From `accept`, and from `begin`.
      subscriptions.tell(result as ExecutionResult, contextValue as RequestContext),
    onError: ({ extra: { observations } }, id, _payload, errors) => {
      const { requestId } = observations.get(id) ?? { requestId: newId() };
      observations.delete(id);
      return subscriptions.tellErrors(errors, { requestId });
    },
  });

  return (socket, { raw: { socket: tcp } }) => {
    const connection: Connection = { socket, running: new Map(), observations: new Map() };
    const gone = new Promise((resolve) => socket.once('close', resolve));
    let heardAt = performance.now();
    const heard = (): void => {
      heardAt = performance.now();
      if (socket.bufferedAmount > BACKLOG_LIMIT) socket.terminate();
    };
    const pinging = setInterval(() => {
      if (performance.now() - heardAt > LONGEST_SILENCE) socket.terminate();
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
          writeTogether(tcp);
          const isSent = new Promise<void>((resolve) => {
            socket.send(message, () => {
              // Whoever is gone is told so by the end of the socket.
              resolve();
            });
          });
          if (socket.bufferedAmount > ROOM) await isSent;
        },
        close: (code, reason) => {
          socket.close(code, reason);
        },
        onMessage: (receive) => {
          socket.on('message', (message: Buffer) => {
            const said = message.toString();
            receive(said).catch((error: unknown) => {
              if (isOfServers(said)) {
                socket.close(CloseCode.BadRequest, 'Invalid message received');
                return;
              }
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
      for (const results of connection.running.values()) void results?.return?.();
      void closed(code, reason.toString());
    });
  };
}

/** What is written in one turn of the event loop goes as one: a write for each message costs more than the message. */
function writeTogether(tcp: Socket): void {
  if (tcp.writableCorked > 0) return;
  tcp.cork();
  setImmediate(() => {
    tcp.uncork();
  });
}

/** Whether it is what only a server says: the client's fault, of which graphql-ws makes an error of ours. */
function isOfServers(message: string): boolean {
  try {
    const { type } = parseMessage(message);
    return SERVERS_MESSAGES.has(type);
  } catch {
    return false;
  }
}

/** Of the first message's payload; a client's author may spell the name as HTTP's headers are spelled, or not. */
function authorizationIn(connectionParams: Readonly<Record<string, unknown>>): unknown {
  const names = Object.keys(connectionParams);
  const name = names.find((each) => each.toLowerCase() === 'authorization');
  return name === undefined ? undefined : connectionParams[name];
}
