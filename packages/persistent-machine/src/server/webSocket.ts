/**
 * Subscriptions over WebSocket: the protocol `graphql-transport-ws`, spoken by graphql-ws. Owns when a socket
 * is given up; does not know what is subscribed to.
 *
 * Not graphql-ws's own adapter: that gives up a client which reads nothing for as long as a ping takes, and
 * tells the console of whatever a client sends wrong.
 */
import fastifyWebSocket, { type WebSocket } from '@fastify/websocket';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, MessageType, handleProtocols, makeServer, parseMessage } from 'graphql-ws';
import { Overloaded } from '../database/failures';
import {
  type Authentication,
  type Caller,
  KeysUnavailable,
  Unauthenticated,
  onceExpired,
  scopeRefusal,
} from './authentication';
import type { Connections } from './connections';
import { Intake } from './Intake';
import { codeOfError, tellFailure } from './errors';
import type { RequestContext } from './graphql';
import { Observation } from './observation';
import { type Accepted, type Results, type Subscriptions, refusal } from './subscriptions';
import { handOverUpgrades } from './upgrades';

/** How often a socket is pinged, in milliseconds; shorter than proxies wait. */
const PING = 25_000;

/** How long nothing may be heard of a client, in milliseconds. */
const LONGEST_SILENCE = 120_000;

/** How many bytes may wait before the next result is not asked for. */
const ROOM = 64_000;

/** The most subscriptions of one socket. */
const MOST_SUBSCRIPTIONS = 100;

/** The most characters of the messages that they came in, which are kept for as long as they last. */
const MOST_ASKED = 200_000;

/** The longest id of an operation, which comes again with each of its results. */
const LONGEST_ID = 255;

/** The most bytes of the reason for which a socket is closed: RFC 6455, section 5.5. */
const LONGEST_REASON = 123;

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

const SERVERS_MESSAGES: ReadonlySet<MessageType> = new Set([
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
]);

/** "Service restart", by RFC 6455's registry: come back, to whoever answers. */
const RESTART = 1012;

/** "Try again later", by the same. */
const LATER = 1013;

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

/** What a socket is for as long as it is open. */
interface Connection extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  /** Operations that have not ended, by their ids. */
  readonly running: Map<string, Running>;
  /** Of operations that have not ended, or were just refused. */
  readonly observations: Map<string, Observation>;
  /** The length of the message that is being handed over. */
  length: number;
  /** It is known who asks. */
  acknowledge: () => void;
  /** Who asks, once they have said so. */
  caller?: Caller;
}

interface Running {
  /** The length of the message that it came in. */
  readonly length: number;
  /** Undefined: it has not begun. */
  results?: Results;
}

/**
 * @param authentication finds out who asks; undefined: whoever asks may
 * @param isFull whether there is no room for another subscription now
 * @returns what is to be done with each socket
 */
export function speakGraphQL(
  subscriptions: Subscriptions,
  contextOf: (observation: Observation) => RequestContext,
  newId: () => string,
  authentication: Authentication | undefined,
  isFull: () => boolean,
): (socket: WebSocket, request: FastifyRequest) => void {
  const accept = (
    { socket, running, length, caller }: Connection,
    id: string,
    payload: unknown,
    observation: Observation,
  ): Accepted | readonly GraphQLError[] => {
    if (isFull()) {
      const { code, message } = tellFailure(new Overloaded());
      return [refusal(code, message)];
    }
    if (id.length > LONGEST_ID) {
      socket.close(CloseCode.BadRequest, `An id has ${LONGEST_ID} characters at most`);
      return [refusal('BAD_REQUEST', 'The id is too long.')];
    }
    if (running.has(id)) {
      // It was completed, and has not ended yet: graphql-ws would take the end of that one for this one's.
      close(socket, CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
      return [refusal('BAD_REQUEST', 'This id is in use.')];
    }
    if (running.size >= MOST_SUBSCRIPTIONS) {
      return [refusal('BAD_REQUEST', `A socket carries ${MOST_SUBSCRIPTIONS} at most.`)];
    }
    const asked = [...running.values()].reduce((sum, each) => sum + each.length, length);
    if (asked > MOST_ASKED) {
      const message = `The subscriptions of a socket have ${MOST_ASKED} characters at most, all together.`;
      return [refusal('BAD_REQUEST', message)];
    }
    const refused = authentication && scopeRefusal('subscription', caller?.scopes ?? null);
    return refused ? [refused] : subscriptions.accept(payload, contextOf(observation));
  };
  const graphql = makeServer<Record<string, unknown>, Connection>({
    onConnect: async ({ connectionParams = {}, extra: connection }) => {
      const { socket } = connection;
      if (authentication === undefined) {
        connection.acknowledge();
        return true;
      }
      try {
        const caller = await authentication.callerOf(authorizationIn(connectionParams));
        // It may be gone by now.
        if (socket.readyState !== socket.OPEN) return false;
        connection.caller = caller;
        connection.acknowledge();
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
        connection.running.set(id, { length: connection.length });
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
      const operation = running.get(id);
      if (operation && socket.readyState === socket.OPEN) operation.results = stream;
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
    // graphql-ws listens to a client of its own protocol only; any other it has closed by then.
    let receive = (_message: string): Promise<void> => Promise.resolve();
    const intake = new Intake(socket, tcp, (message) => {
      connection.length = message.length;
      receive(message).catch((error: unknown) => {
        if (isOfClients(error, message)) {
          socket.close(CloseCode.BadRequest, 'Invalid message received');
          return;
        }
        subscriptions.tellErrors([error], { requestId: newId() });
        socket.close(CloseCode.InternalServerError, 'Internal server error');
      });
    });
    const connection: Connection = {
      socket,
      running: new Map(),
      observations: new Map(),
      length: 0,
      acknowledge: () => {
        intake.acknowledge();
      },
    };
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const pinging = setInterval(() => {
      if (intake.silence > LONGEST_SILENCE) socket.terminate();
      else socket.ping();
    }, PING);

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
        close: (code = CloseCode.InternalServerError, reason = '') => {
          close(socket, code, reason);
        },
        onMessage: (callback) => {
          receive = callback;
        },
      },
      connection,
    );
    socket.once('close', (code: number, reason: Buffer) => {
      clearInterval(pinging);
      for (const { results } of connection.running.values()) void results?.return?.();
      void closed(code, reason.toString());
    });
  };
}

/** However long the id is that graphql-ws puts into the reason. */
function close(socket: WebSocket, code: number, reason: string): void {
  // Cut within a character, its rest is left out.
  const text = Buffer.from(reason)
    .subarray(0, LONGEST_REASON)
    .toString()
    .replace(/\uFFFD$/, '');
  socket.close(code, text);
}

/** What is written in one turn of the event loop goes as one: a write for each message costs more than the message. */
function writeTogether(tcp: Socket): void {
  if (tcp.writableCorked > 0) return;
  tcp.cork();
  setImmediate(() => {
    tcp.uncork();
  });
}

/**
 * Whether it is the client's mistake what graphql-ws makes an error of: it was said what only a server says, or a ping
 * has a payload that is nested so deep that writing it back overflows the stack.
 */
function isOfClients(error: unknown, message: string): boolean {
  try {
    const { type } = parseMessage(message);
    return SERVERS_MESSAGES.has(type) || (type === MessageType.Ping && error instanceof RangeError);
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
