/**
 * Ends connections at shutdown one by one, so that no answer is lost. Knows sockets, and not what they carry: each
 * transport ends its own subscriptions.
 */
import type { IncomingMessage } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { stopListening } from '../internals';
import { listenAtBothOfLocalhost } from './httpServer';

export interface LeavingSettings {
  /**
   * Limits the arrival of a request, its execution, and the client's reading of the answer, each in milliseconds.
   */
  readonly requestTimeout: number;
  /**
   * How long idle connections stay open at shutdown, in milliseconds, because clients may just be sending a request.
   */
  readonly lingering: () => number;
}

/**
 * Lets a server listen at both addresses of `localhost`, until its shutdown begins. Must be called before any other
 * `preClose` hook is added: a client that such a hook disconnects must not be able to reconnect here.
 */
export function listenUntilLeaving(server: FastifyInstance, host: string): void {
  let otherOfLocalhost: NetServer | undefined;
  if (host === 'localhost') {
    server.addHook('onListen', (done) => {
      otherOfLocalhost = listenAtBothOfLocalhost(server.server);
      done();
    });
  }
  server.addHook('preClose', (done) => {
    stopListening(server.server);
    otherOfLocalhost?.close();
    done();
  });
}

/**
 * Ends all connections at shutdown. Each answer says that it is the last of its connection, so that busy connections
 * end with nothing in flight. Two kinds remain, for which Node would wait: connections without any request, which
 * browsers open for later, and requests that have arrived only in part. The server closes the first kind after
 * `lingering`, and the second after the request timeout.
 *
 * Must be called last of all functions that add a `preClose` hook, because the others end the connections that they
 * know.
 */
export function endOtherConnections(
  server: FastifyInstance,
  { requestTimeout, lingering }: LeavingSettings,
): void {
  const unasked = new Set<Socket>();
  const asked = ({ socket }: IncomingMessage): void => {
    unasked.delete(socket);
  };
  server.server.on('connection', (socket) => {
    unasked.add(socket);
    socket.once('close', () => unasked.delete(socket));
  });
  server.server.on('request', asked).on('upgrade', asked);
  const allHaveEnded = new Promise((resolve) => server.server.once('close', resolve));
  server.addHook('preClose', async () => {
    await Promise.race([allHaveEnded, delay(lingering(), undefined, { ref: false })]);
    for (const socket of unasked) socket.destroy();
    setTimeout(() => {
      server.server.closeAllConnections();
    }, requestTimeout).unref();
  });
}
