/**
 * Has the requests of one connection handled one after the other, as nginx does. Owns what waits behind an unanswered
 * request; it deliberately does not know what is asked.
 *
 * Node hands over every request that it has read, and keeps their answers in order. A client that pipelines would
 * so open as many files, statements and subscriptions at once as requests fit into a read, and Node tells only the
 * first of those answers when the socket closes: the others would never end.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onceItHasItsSocket } from '../internals';

/**
 * When so many requests of a connection wait, no more is read from it, which leaves at most those of the last read.
 * Below that it is read, because only a connection that is read tells when its client has left.
 */
const MOST_WAITING = 256;

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** @returns the same, called for a request once the requests ahead of it are answered; never, where its client leaves */
export function inTurn(handle: RequestListener): RequestListener {
  /** How many requests wait, by their connection. */
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
    // In the request's own context, its trace included, and not in that of the request before.
    const takeTurn = AsyncResource.bind(() => {
      leave(socket);
      // Otherwise its client has left, or was told that this connection ends here.
      if (!response.destroyed && socket.writable) handle(request, response);
    });
    // In a turn of the event loop of its own, so that one client's queue keeps no other client waiting.
    onceItHasItsSocket(response, () => setImmediate(takeTurn));
  };
}

/** Node reads on after each message, and whenever a body is read. */
function stayPaused(this: Socket): void {
  this.pause();
}
