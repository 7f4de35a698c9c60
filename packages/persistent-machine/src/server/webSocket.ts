/**
 * A WebSocket that carries subscriptions: how messages come and go, and when the server gives up a socket. Does not
 * know what the messages ask for.
 *
 * Replaces graphql-ws's own adapter, which gives up a client that has not answered one ping by the next, and prints
 * every client's error to the console.
 */
import type { WebSocket } from '@fastify/websocket';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { CloseCode, MessageType, type WebSocket as Carried, parseMessage } from 'graphql-ws';
import { Intake } from './Intake';
import type { Subscriptions } from './subscriptions';
import { type Connection, type ProtocolSettings, createProtocol } from './webSocketProtocol';
import { close } from './webSocketServer';

/** The time between two pings, in milliseconds. Proxies close a connection that is idle for longer. */
const PING = 25_000;

/** How long a client may send nothing, not even an answer to a ping, in milliseconds. */
const LONGEST_SILENCE = 120_000;

/** How many bytes may wait for the client before the server stops to ask for results (backpressure). */
const ROOM = 64_000;

const SERVERS_MESSAGES: ReadonlySet<MessageType> = new Set([
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
]);

/** @returns a handler for each new socket */
export function speakGraphQL(
  settings: ProtocolSettings,
): (socket: WebSocket, request: FastifyRequest) => void {
  const protocol = createProtocol(settings);
  const { subscriptions, newId } = settings;
  return (socket, { raw: { socket: tcp } }) => {
    // graphql-ws sets a callback only for clients of its own protocol. It closes the sockets of all others.
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

/** @param onMessage receives graphql-ws's callback for messages */
function carry(socket: WebSocket, tcp: Socket, onMessage: Carried['onMessage']): Carried {
  const gone = new Promise((resolve) => socket.once('close', resolve));
  return {
    protocol: socket.protocol,
    // Resolves once the client has room. Until then graphql-ws asks for no further result.
    send: async (message) => {
      // A closing client gets no further result.
      if (socket.readyState === socket.CLOSING) await gone;
      writeTogether(tcp);
      const isSent = new Promise<void>((resolve) => {
        socket.send(message, () => {
          // An error only means that the socket is closed, which its `close` event reports.
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

/** Sends the messages of one turn of the event loop by one system call, which costs more than a message. */
function writeTogether(tcp: Socket): void {
  if (tcp.writableCorked > 0) return;
  tcp.cork();
  setImmediate(() => {
    tcp.uncork();
  });
}

/** Ends a socket on which a message has failed. Logs the error unless the client caused it. */
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
  subscriptions.formatErrors([error], { requestId: newId() });
  socket.close(CloseCode.InternalServerError, 'Internal server error');
}

/**
 * Whether the client caused graphql-ws's error: its message was one that only servers send, or the payload of its
 * ping was nested so deeply that to write it back overflows the stack.
 */
function isOfClients(error: unknown, message: string): boolean {
  try {
    const { type } = parseMessage(message);
    return SERVERS_MESSAGES.has(type) || (type === MessageType.Ping && error instanceof RangeError);
  } catch {
    return false;
  }
}
