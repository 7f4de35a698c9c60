/**
 * Fastify over our own HTTP server: the ids of its requests, the limits of their bodies, and what is refused before it
 * has a route. Knows no route.
 */
import { randomUUID } from 'node:crypto';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import type { Connections } from './connections';
import { requireUtf8Bodies } from './encoding';
import { createHttpServer, refuse } from './httpServer';
import { Observation, type Observer } from './observation';

export interface FastifySettings {
  readonly log: FastifyBaseLogger;
  /** How long a request may take to arrive, until it is answered, and its answer to be taken, in milliseconds. */
  readonly requestTimeout: number;
}

/** The most bytes of a request's body: far more than any document of ours needs. */
const BODY_LIMIT = 100_000;

/** Longer than a load balancer keeps an idle connection, so that it is never we who close one in its hand; in milliseconds. */
const KEEP_ALIVE = 75_000;

/** @returns a server without routes and hooks, which does not listen */
export function createFastify(
  { log, requestTimeout }: FastifySettings,
  connections: Connections,
  observer: Observer,
): FastifyInstance {
  const newRequestId = requestIds();
  /** What is refused before it has a route passes no hook. */
  const refused = (requestId: string, status: number): void => {
    observer.answered(new Observation(requestId), 'BAD_REQUEST', status);
  };
  const onRefusal = (status: number): string => {
    const requestId = newRequestId();
    refused(requestId, status);
    return requestId;
  };
  const limits = { connections, requestTimeout, keepAliveTimeout: KEEP_ALIVE, onRefusal };
  const server = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newRequestId,
    // No line of the log is of Fastify's child for a request: each names the request's id itself.
    childLoggerFactory: (parent) => parent,
    bodyLimit: BODY_LIMIT,
    serverFactory: (handle) => createHttpServer(limits, handle),
    // The server above answers them.
    clientErrorHandler: () => undefined,
    forceCloseConnections: 'idle',
    // Requests on open connections are answered to the end, and /readyz tells what is going on.
    return503OnClosing: false,
    frameworkErrors: refuseUnrouted(refused),
  });
  requireUtf8Bodies(server);
  return server;
}

/** @param refused told of each request that Fastify itself cannot route */
function refuseUnrouted(
  refused: (requestId: string, status: number) => void,
): NonNullable<FastifyServerOptions['frameworkErrors']> {
  return ({ message }, { id, raw }, reply) => {
    refused(id, 400);
    // Node no longer looks after the socket of an upgrade.
    if (raw.headers.upgrade !== undefined) {
      reply.raw.once('finish', () => raw.socket.destroy());
    }
    refuse(reply.raw, 400, message, id);
  };
}

/** Unique among instances, too; a UUID for each would cost a request as much as its context does. */
function requestIds(): () => string {
  const instance = randomUUID();
  let count = 0;
  return () => `${instance}-${(count += 1).toString(36)}`;
}
