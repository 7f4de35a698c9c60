/**
 * The HTTP server: routes, and what goes for all of them. Does not listen, and does not know where the
 * services come from.
 */
import cors from '@fastify/cors';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
} from 'fastify';
import type { GraphQLFormattedError } from 'graphql';
import type { Context, Services } from '../resolvers/context';
import { createSchema } from '../resolvers/schema';
import { type AccessRules, refusal } from './access';
import { createGraphQLServer } from './graphql';
import { playground, varyByAccept } from './playground';

export interface ServerSettings extends AccessRules {
  readonly playground: boolean;
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
  /** How long a request may take to arrive, in milliseconds. */
  readonly requestTimeout: number;
  /** Whether a load balancer should send requests here. */
  readonly isReady: () => boolean;
}

/** The most bytes of a request's body: far more than any document of ours needs. */
const BODY_LIMIT = 100_000;

/** Longer than a load balancer keeps an idle connection, so that it is never we who close one in its hand; in milliseconds. */
const KEEP_ALIVE = 75_000;

/** @returns a server that is ready to listen */
export async function createServer(
  settings: ServerSettings,
  services: Services,
): Promise<FastifyInstance> {
  const server = fastify({
    loggerInstance: settings.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: services.newId,
    bodyLimit: BODY_LIMIT,
    keepAliveTimeout: KEEP_ALIVE,
    forceCloseConnections: 'idle',
    // Requests on open connections are answered to the end, and /readyz tells what is going on.
    return503OnClosing: false,
    // Who sends a body byte by byte holds a socket no longer than anybody else.
    requestTimeout: settings.requestTimeout,
    // What cannot even be routed passes none of the hooks below.
    frameworkErrors: ({ message }, { id }, reply) => {
      const body = JSON.stringify(errorBody('BAD_REQUEST', message));
      reply.raw
        .writeHead(400, { 'content-type': 'application/json; charset=utf-8', 'x-request-id': id })
        .end(withRequestId(body, id));
    },
  });

  server.addHook('onRequest', async ({ method, headers, id }, reply) => {
    reply.header('x-request-id', id);
    const reads = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
    const message = refusal(headers, reads, settings);
    if (message !== undefined) {
      return reply.code(403).send(errorBody('FORBIDDEN', message));
    }
  });
  server.addHook('onSend', async ({ id }, _reply, payload) => withRequestId(payload, id));
  server.setErrorHandler<FastifyError>((error, { id }, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      settings.log.error({ requestId: id, err: error });
      return reply
        .code(500)
        .send(errorBody('INTERNAL_SERVER_ERROR', 'Something went wrong on our side.'));
    }
    return reply.code(status).send(errorBody('BAD_REQUEST', error.message));
  });
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(errorBody('NOT_FOUND', 'There is nothing here. GraphQL is at /graphql.')),
  );

  if (settings.corsOrigins.length > 0) {
    await server.register(cors, {
      origin: [...settings.corsOrigins],
      methods: ['GET', 'POST'],
      exposedHeaders: ['x-request-id'],
    });
  }

  server.get('/healthz', () => ({ status: 'alive' }));
  server.get('/readyz', (_request, reply) =>
    settings.isReady() ? { status: 'ready' } : reply.code(503).send({ status: 'not ready' }),
  );

  const graphql = createGraphQLServer(createSchema(), settings);
  await graphql.start();
  server.addHook('onClose', () => graphql.stop());
  server.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    onRequest: (_request, reply, done) => {
      varyByAccept(reply);
      done();
    },
    handler: fastifyApolloHandler(graphql, {
      // Named one by one: to spread them costs each request more than all the rest of its context.
      context: async ({ id }): Promise<Context> => ({
        lives: services.lives,
        archive: services.archive,
        newId: services.newId,
        requestId: id,
        actor: null,
      }),
    }),
  });
  if (settings.playground) await server.register(playground);

  return server;
}

function errorBody(code: string, message: string): { errors: GraphQLFormattedError[] } {
  return { errors: [{ message, extensions: { code } }] };
}

/**
 * Every error that leaves us carries the request's id. Stamped here, at the only gate that all answers pass,
 * since some errors arise before GraphQL has a context, and some before there is GraphQL.
 */
function withRequestId<Payload>(payload: Payload, requestId: string): Payload | string {
  // An answer with errors begins with them: Apollo Server puts them first, as the specification advises.
  if (typeof payload !== 'string' || !payload.startsWith('{"errors":')) return payload;
  // Written by Apollo Server or by errorBody, both from this type.
  const answer = JSON.parse(payload) as { errors: GraphQLFormattedError[] };
  const errors = answer.errors.map((error) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
  return JSON.stringify({ ...answer, errors });
}
