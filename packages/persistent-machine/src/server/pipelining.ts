/**
 * Handles the requests of one connection one after the other, as nginx does. Owns the requests that wait behind an
 * unanswered one. Does not know what they ask.
 *
 * Node hands over every request that it has read, and only keeps the answers in order. A client that pipelines could
 * run as many statements and subscriptions at once as requests fit into one read. And when the socket closes, Node
 * tells only the first of those answers: the others would never end.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onceItHasItsSocket } from '../internals';

/**
 * The number of waiting requests at which the server stops reading from their connection. Below it the server reads on,
 * because only a read shows that the client has left.
 */
const MOST_WAITING = 256;

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** @returns a listener that calls `handle` after the answers to all earlier requests, or never if the client leaves */
export function inTurn(handle: RequestListener): RequestListener {
  /** The number of waiting requests by connection. */
  const waiting = new WeakMap<Socket, number>();

  const enter = (socket: Socket): void => {
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    if (count !== MOST_WAITING) return;
    socket.on('resume', stayPaused);
    socket.pause();
  };
  const leave = (socket: Socket): void => {
    const count = (waiting.get(socket) ?? 0) - 1;
    waiting.set(socket, count);
    if (count !== MOST_WAITING - 1) return;
    socket.off('resume', stayPaused);
    socket.resume();
  };

  return (request, response) => {
    if (response.socket !== null) {
      handle(request, response);
      return;
    }
    const { socket } = request;
    enter(socket);
    // Keeps the request's own async context, with its trace. Without it, that of the request before would be current.
    const takeTurn = AsyncResource.bind(() => {
      leave(socket);
      // Else the client has left, or an earlier answer has closed the connection.
      if (!response.destroyed && socket.writable) handle(request, response);
    });
    // A turn of the event loop for each, so that one client's queue does not delay other clients.
    onceItHasItsSocket(response, () => setImmediate(takeTurn));
  };
}

/** Undoes Node's own resume after each message and body. */
function stayPaused(this: Socket): void {
  this.pause();
}
