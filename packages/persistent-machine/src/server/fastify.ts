/**
 * Fastify over our own HTTP server: the ids of requests, the limit of their bodies, and the refusal of requests that
 * have no route. Knows no route.
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
  /**
   * Limits the arrival of a request, its execution, and the client's reading of the answer, each in milliseconds.
   */
  readonly requestTimeout: number;
}

/** The most bytes of a request's body: far more than a document needs. */
const BODY_LIMIT = 100_000;

/**
 * In milliseconds. Longer than a load balancer keeps an idle connection, so that the server does not close one on
 * which the load balancer is just sending a request.
 */
const KEEP_ALIVE = 75_000;

/** @returns a server without routes and hooks, which does not listen */
export function createFastify(
  { log, requestTimeout }: FastifySettings,
  connections: Connections,
  observer: Observer,
): FastifyInstance {
  const newRequestId = requestIds();
  /** Reports a request that has no route, because it passes no hook. */
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
    // Our log lines name the request's id themselves, so that a child logger for each request would be waste.
    childLoggerFactory: (parent) => parent,
    bodyLimit: BODY_LIMIT,
    serverFactory: (handle) => createHttpServer(limits, handle),
    // `createHttpServer` answers them.
    clientErrorHandler: () => undefined,
    forceCloseConnections: 'idle',
    // Open connections are served until they end; /readyz tells the load balancer to send no more.
    return503OnClosing: false,
    frameworkErrors: refuseUnrouted(refused),
  });
  requireUtf8Bodies(server);
  return server;
}

/** @param refused called for each request that Fastify cannot route */
function refuseUnrouted(
  refused: (requestId: string, status: number) => void,
): NonNullable<FastifyServerOptions['frameworkErrors']> {
  return ({ message }, { id, raw }, reply) => {
    refused(id, 400);
    // Node does not close the socket of an upgrade.
    if (raw.headers.upgrade !== undefined) {
      reply.raw.once('finish', () => raw.socket.destroy());
    }
    refuse(reply.raw, 400, message, id);
  };
}

/** Unique across instances. A UUID for each request would cost as much as the request's whole context. */
function requestIds(): () => string {
  const instance = randomUUID();
  let count = 0;
  return () => `${instance}-${(count += 1).toString(36)}`;
}
