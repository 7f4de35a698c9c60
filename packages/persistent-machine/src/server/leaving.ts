/**
 * Leaving: how connections end at shutdown, one by one, so that no answer is lost. Knows sockets, and not what they
 * carry. Subscriptions end by their own transports' rules.
 */
import type { IncomingMessage } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { stopListening } from '../internals';
import { listenAtBothOfLocalhost } from './httpServer';

export interface LeavingSettings {
  /** How long a request may take to arrive, until it is answered, and its answer to be taken, in milliseconds. */
  readonly requestTimeout: number;
  /**
   * At shutdown, for how long open connections on which nothing is going on are left to clients that may just be
   * sending something, in milliseconds.
   */
  readonly lingering: () => number;
}

/**
 * Has a server listen at both addresses of `localhost`, and at none from the beginning of its shutdown on. To be called
 * before any other `preClose` hook: a client that one of them sends away must not come back here.
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
 * At shutdown each answer says that it is its connection's last, so that connections end one by one with
 * nothing on its way. Those on which nobody asks anything are cut off after a while.
 *
 * Node waits for connections on which nothing has been asked yet, as browsers open them for later, and for
 * requests of which only a part has come. The former end then, too, the latter after as long as a request may
 * take.
 *
 * To be called after all others that add a `preClose` hook, which end the connections that they know.
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
