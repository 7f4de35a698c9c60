/**
 * A WebSocket that carries subscriptions: how messages come and go, and when a socket is given up. Does not know what
 * the messages ask for.
 *
 * Not graphql-ws's own adapter: that gives up a client which reads nothing for as long as a ping takes, and
 * tells the console of whatever a client sends wrong.
 */
import type { WebSocket } from '@fastify/websocket';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { CloseCode, MessageType, type WebSocket as Carried, parseMessage } from 'graphql-ws';
import { Intake } from './Intake';
import type { Subscriptions } from './subscriptions';
import { type Connection, type ProtocolSettings, close, createProtocol } from './webSocketProtocol';

/** How often a socket is pinged, in milliseconds; shorter than proxies wait. */
const PING = 25_000;

/** How long nothing may be heard of a client, in milliseconds. */
const LONGEST_SILENCE = 120_000;

/** How many bytes may wait before the next result is not asked for. */
const ROOM = 64_000;

const SERVERS_MESSAGES: ReadonlySet<MessageType> = new Set([
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
]);

/** @returns what is to be done with each socket */
export function speakGraphQL(
  settings: ProtocolSettings,
): (socket: WebSocket, request: FastifyRequest) => void {
  const protocol = createProtocol(settings);
  const { subscriptions, newId } = settings;
  return (socket, { raw: { socket: tcp } }) => {
    // graphql-ws listens to a client of its own protocol only; any other it has closed by then.
    let receive = (_message: string): Promise<void> => Promise.resolve();
    const intake = new Intake(socket, tcp, (message) => {
      connection.length = message.length;
      receive(message).catch((error: unknown) => {
        endByError(socket, error, message, subscriptions, newId);
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
    const pinging = setInterval(() => {
      if (intake.silence > LONGEST_SILENCE) socket.terminate();
      else socket.ping();
    }, PING);
    const carried = carry(socket, tcp, (callback) => {
      receive = callback;
    });
    const closed = protocol.opened(carried, connection);
    socket.once('close', (code: number, reason: Buffer) => {
      clearInterval(pinging);
      for (const { results } of connection.running.values()) void results?.return?.();
      void closed(code, reason.toString());
    });
  };
}

/** @param onMessage is given what graphql-ws wants called with each message */
function carry(socket: WebSocket, tcp: Socket, onMessage: Carried['onMessage']): Carried {
  const gone = new Promise((resolve) => socket.once('close', resolve));
  return {
    protocol: socket.protocol,
    // Resolved once the client has room: until then the next result is not asked for.
    send: async (message) => {
      // Nor for a client that is on its way out.
      if (socket.readyState === socket.CLOSING) await gone;
      writeTogether(tcp);
      const isSent = new Promise<void>((resolve) => {
        socket.send(message, () => {
          // A client that is gone is told so by the end of the socket.
          resolve();
        });
      });
      if (socket.bufferedAmount > ROOM) await isSent;
    },
    close: (code = CloseCode.InternalServerError, reason = '') => {
      close(socket, code, reason);
    },
    onMessage,
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

/** Ends a socket on which a message could not be taken; what is not the client's mistake is logged. */
function endByError(
  socket: WebSocket,
  error: unknown,
  message: string,
  subscriptions: Subscriptions,
  newId: () => string,
): void {
  if (isOfClients(error, message)) {
    socket.close(CloseCode.BadRequest, 'Invalid message received');
    return;
  }
  subscriptions.tellErrors([error], { requestId: newId() });
  socket.close(CloseCode.InternalServerError, 'Internal server error');
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
