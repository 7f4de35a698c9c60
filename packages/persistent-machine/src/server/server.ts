/**
 * The HTTP server: routes, and what goes for all of them. Does not listen, and does not know where the
 * services come from.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import cors from '@fastify/cors';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type onRequestAsyncHookHandler,
  type onRequestHookHandler,
} from 'fastify';
import type { GraphQLFormattedError, GraphQLSchema } from 'graphql';
import { stopListening } from '../internals';
import type { Metrics } from '../metrics';
import type { Services } from '../graphql/context';
import { type AccessRules, hostRule, refusal } from './access';
import { Admission } from './admission';
import {
  Authentication,
  type Caller,
  KeysUnavailable,
  type TokenRules,
  Unauthenticated,
  hasAnyScope,
  warnOfOpenness,
} from './authentication';
import { Connections } from './connections';
import { type Dashboard, dashboard } from './dashboard';
import { isQueryUtf8, requireUtf8Bodies } from './encoding';
import { codeOf, shortenedMessage } from './errors';
import { type RequestContext, createGraphQLServer } from './graphql';
import { EVENT_STREAM, eventStreams, parametersOf } from './eventStream';
import { createHttpServer, listenAtBothOfLocalhost, refuse as refuseUnrouted } from './httpServer';
import { metricsRoute } from './metricsRoute';
import { Observation, Observer } from './observation';
import { playground, varyByAccept } from './playground';
import { negotiateRepresentation, representationOf } from './representation';
import { Subscriptions } from './subscriptions';
import { answerLast, upgradeRefusal } from './upgrades';
import { speakGraphQL, webSockets } from './webSocket';

export interface ServerSettings extends AccessRules {
  /** Undefined: nobody is asked for a token. */
  readonly tokens: TokenRules | undefined;
  readonly playground: boolean;
  /** Undefined: there is nothing at `/`. */
  readonly dashboard: Dashboard | undefined;
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  /** Where it will listen. */
  readonly host: string;
  /** The most connections of clients. */
  readonly mostConnections: number;
  /** How long a request may take to arrive, until it is answered, and its answer to be taken, in milliseconds. */
  readonly requestTimeout: number;
  /** The most requests that wait for the same. */
  readonly maxQueue: number;
  /** Whether nobody should begin to wait for the database; said at once where nothing is wrong. */
  readonly isDatabaseDown: () => false | Promise<boolean>;
  /** Asked whenever somebody wants to know whether to send requests here. */
  readonly isReady: () => boolean;
  /** Told the id of each request, by which the log knows it; undefined: nobody follows. */
  readonly onRequest: ((requestId: string) => void) | undefined;
  /**
   * At shutdown, for how long open connections on which nothing is going on are left to whoever may just be
   * sending something, in milliseconds.
   */
  readonly lingering: () => number;
}

/** The most bytes of a request's body: far more than any document of ours needs. */
const BODY_LIMIT = 100_000;

/** Longer than a load balancer keeps an idle connection, so that it is never we who close one in its hand; in milliseconds. */
const KEEP_ALIVE = 75_000;

/** @returns a server that is ready to listen */
export async function createServer(
  settings: ServerSettings,
  schema: GraphQLSchema,
  services: Services,
): Promise<FastifyInstance> {
  const observer = new Observer(settings.log, settings.metrics);
  const newRequestId = requestIds();
  /** What is refused before it has a route passes none of the hooks below. */
  const refused = (requestId: string, status: number): void => {
    observer.answered(new Observation(requestId), 'BAD_REQUEST', status);
  };
  const connections = new Connections(
    // Which of its two addresses clients prefer cannot be known.
    settings.host === 'localhost' ? settings.mostConnections / 2 : settings.mostConnections,
    settings.requestTimeout,
    settings.log,
  );
  const server = fastify({
    loggerInstance: settings.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newRequestId,
    // Nobody logs by request; whoever logs names its id.
    childLoggerFactory: (log) => log,
    bodyLimit: BODY_LIMIT,
    serverFactory: (handle) =>
      createHttpServer(
        {
          connections,
          requestTimeout: settings.requestTimeout,
          keepAliveTimeout: KEEP_ALIVE,
          onRefusal: (status) => {
            const requestId = newRequestId();
            refused(requestId, status);
            return requestId;
          },
        },
        handle,
      ),
    // The server above answers them.
    clientErrorHandler: () => undefined,
    forceCloseConnections: 'idle',
    // Requests on open connections are answered to the end, and /readyz tells what is going on.
    return503OnClosing: false,
    frameworkErrors: ({ message }, { id, raw }, reply) => {
      refused(id, 400);
      // Node no longer looks after the socket of an upgrade.
      if (raw.headers.upgrade !== undefined) {
        reply.raw.once('finish', () => raw.socket.destroy());
      }
      refuseUnrouted(reply.raw, 400, message, id);
    },
  });
  requireUtf8Bodies(server);

  const authentication = settings.tokens && new Authentication(settings.tokens, settings.log);
  const lookForProxy = authentication ? undefined : warnOfOpenness(settings.log, settings);

  const isHost = hostRule();
  /** Why a request is refused, whatever it asks. */
  const refusalOf = (request: FastifyRequest): Refused | undefined => {
    const { method, headers, ws } = request;
    const fault = faultOf(request);
    if (fault !== undefined) return { status: 400, code: 'BAD_REQUEST', message: fault };
    // To a socket any page may be shown the answers, and an event stream may be held open by a page that sees nothing.
    const reads =
      isRead(method) && headers.upgrade === undefined && representationOf(request) !== EVENT_STREAM;
    const message = refusal(headers, reads, settings);
    if (message !== undefined) return { status: 403, code: 'FORBIDDEN', message };
    if (headers.host !== undefined && !isHost(headers.host)) {
      return { status: 400, code: 'BAD_REQUEST', message: 'The Host header names no host.' };
    }
    return ws ? upgradeRefusal(request, '/graphql') : undefined;
  };
  // Declared, so that every request has one shape.
  server.decorateRequest('observation');
  let otherOfLocalhost: NetServer | undefined;
  if (settings.host === 'localhost') {
    server.addHook('onListen', (done) => {
      otherOfLocalhost = listenAtBothOfLocalhost(server.server);
      done();
    });
  }
  // Before any other hook of this kind: whoever is sent away must not come back here.
  server.addHook('preClose', (done) => {
    stopListening(server.server);
    otherOfLocalhost?.close();
    done();
  });
  // Before any hook that refuses: it ends the socket of an upgrade that is refused.
  await webSockets(server, connections);
  server.addHook('onRequest', (request, reply, done) => {
    const { headers, id } = request;
    request.observation = new Observation(id);
    settings.onRequest?.(id);
    reply.header('x-request-id', id);
    lookForProxy?.(headers);
    const refused = refusalOf(request);
    if (refused) reply.code(refused.status).send(errorBody(refused.code, refused.message));
    else done();
  });
  // The only gate that all answers pass: errors are stamped here, and what became of the request is told.
  server.addHook('onSend', (request, reply, payload, done) => {
    if (request.ws) answerLast(request, reply);
    const answer = errorsOf(payload);
    if (answer && reply.statusCode === 400 && isToldIn200(request, answer)) reply.code(200);
    observer.answered(request.observation, codeOf(answer?.errors), reply.statusCode);
    done(null, answer ? withRequestId(answer, request.id) : payload);
  });
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
      exposedHeaders: ['x-request-id', 'retry-after', 'www-authenticate'],
    });
  }

  server.get('/healthz', () => ({ status: 'alive' }));
  server.get('/readyz', (_request, reply) =>
    settings.isReady() ? { status: 'ready' } : reply.code(503).send({ status: 'not ready' }),
  );

  // Named one by one: to spread them costs each request more than all the rest of its context.
  const contextOf = (observation: Observation, caller: Caller | undefined): RequestContext => ({
    machines: services.machines,
    newId: services.newId,
    requestId: observation.requestId,
    observation,
    deadline: observation.since + settings.requestTimeout,
    actor: caller?.actor ?? null,
    scopes: caller?.scopes ?? null,
  });
  // What is computed once for all who subscribe to the same cannot depend on who they are.
  const subscriptionContextOf = (observation: Observation): RequestContext =>
    contextOf(observation, undefined);
  const graphql = createGraphQLServer(schema, { ...settings, authentication });
  await graphql.start();
  server.addHook('onClose', () => graphql.stop());
  const execute = fastifyApolloHandler(graphql, {
    context: async ({ observation, caller }) => contextOf(observation, caller),
  });
  const admission = new Admission({
    ...settings,
    isFull: () => services.machines.isFull,
    onRefusal: (observation, code, status) => {
      observer.answered(observation, code, status);
    },
  });
  server.addHook('onClose', (_server, done) => {
    admission.stop();
    done();
  });
  const { cohorts, onRequest: admit } = admission;
  server.server.on('connection', cohorts.connected);
  const subscriptions = new Subscriptions(schema, { ...settings, observer });
  const wsHandler = speakGraphQL(
    subscriptions,
    subscriptionContextOf,
    services.newId,
    authentication,
    () => admission.isFull,
  );
  const authenticate = authentication && requireToken(authentication);
  metricsRoute(server, settings.metrics, authenticate);
  const vary: onRequestHookHandler = (_request, reply, done) => {
    varyByAccept(reply);
    done();
  };
  const onRequest = authenticate ? [vary, admit, authenticate, requireAnyScope] : [vary, admit];
  const handler = (request: FastifyRequest, reply: FastifyReply): unknown => {
    const errors = subscriptions.refuse(parametersOf(request), request.observation);
    if (errors === undefined) return execute.call(server, request, reply);
    const told = subscriptions.tellErrors(errors, { requestId: request.id });
    return reply
      .code(400)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ errors: told }));
  };
  const config = { graphqlOverHttp: true };
  // Asked again when it is a request's turn: those of its cohort that went before it may have filled the queue.
  const preHandler = [cohorts.preHandler, admit];
  const { onSend } = cohorts;
  const route = { url: '/graphql', onRequest, preHandler, onSend, config, handler };
  server.route({ ...route, method: 'GET', wsHandler });
  server.route({ ...route, method: 'POST' });
  server.route({
    method: ['PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/graphql',
    onRequest: refuseMethod,
    handler: () => undefined,
  });
  negotiateRepresentation(server);
  eventStreams(server, subscriptions, subscriptionContextOf, admit, authenticate, connections);
  if (settings.playground) await server.register(playground);
  if (settings.dashboard) await server.register(dashboard, settings.dashboard);
  // After all others of this kind, which send those away who are known.
  endOtherConnections(server, settings);

  return server;
}

/**
 * At shutdown each answer says that it is its connection's last, so that connections end one by one with
 * nothing on its way. Those on which nobody asks anything are cut off after a while.
 *
 * Node waits for connections on which nothing has been asked yet, as browsers open them for later, and for
 * requests of which only a part has come. The former end then, too, the latter after as long as a request may
 * take.
 */
function endOtherConnections(
  server: FastifyInstance,
  { requestTimeout, lingering }: Pick<ServerSettings, 'requestTimeout' | 'lingering'>,
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

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether it answers as "GraphQL over HTTP" says. */
    graphqlOverHttp?: boolean;
  }
  interface FastifyRequest {
    /** From its first hook on. */
    observation: Observation;
    /** Who asks, once a token was required. */
    caller?: Caller;
  }
}

/** Refuses who has no valid token, before anything is read of what is asked. */
function requireToken(authentication: Authentication): onRequestAsyncHookHandler {
  return async (request, reply) => {
    // A socket's token comes in its first message.
    if (request.ws) return;
    try {
      request.caller = await authentication.callerOf(request.headers.authorization);
      return;
    } catch (error) {
      if (error instanceof Unauthenticated) {
        return reply
          .code(401)
          .header('www-authenticate', error.challenge)
          .send(errorBody('UNAUTHENTICATED', error.message));
      }
      if (error instanceof KeysUnavailable) {
        return reply
          .code(503)
          .header('retry-after', 1)
          .send(errorBody('OVERLOADED', error.message));
      }
      throw error;
    }
  };
}

/** Refuses whose token lets them do nothing here; what it lets others do is seen once it is known what is asked. */
const requireAnyScope: onRequestHookHandler = ({ ws, caller }, reply, done) => {
  if (ws || (caller && hasAnyScope(caller))) {
    done();
    return;
  }
  const message = 'The token has none of the scopes that are needed here.';
  reply.code(403).send(errorBody('FORBIDDEN', message));
};

/** Before a body is read, which is none of ours. */
const refuseMethod: onRequestHookHandler = (_request, reply) => {
  reply
    .code(405)
    .header('allow', 'GET, HEAD, POST')
    .send(errorBody('BAD_REQUEST', 'GraphQL is asked by GET or POST.'));
};

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** What is wrong with a request that Node's parser lets pass; undefined: nothing. */
function faultOf(request: FastifyRequest): string | undefined {
  const { headers, raw, routeOptions } = request;
  // A load balancer's probe by HTTP/1.0 need not name one; Apollo Server's integration makes a URL of it.
  const needsHost = raw.httpVersion === '1.1' || routeOptions.url === '/graphql';
  if (headers.host === undefined && needsHost) return 'A Host header is needed.';
  return isQueryUtf8(request) ? undefined : 'The query string is not UTF-8.';
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/** Unique among instances, too; a UUID for each would cost a request as much as its context does. */
function requestIds(): () => string {
  const instance = randomUUID();
  let count = 0;
  return () => `${instance}-${(count += 1).toString(36)}`;
}

/**
 * GraphQL over HTTP: a client that does not know `application/graphql-response+json` takes any status but
 * 200 for an answer that is not GraphQL's, so an error of the document or its variables is told in a 200. An
 * error of the HTTP request is not.
 */
function isToldIn200({ headers, routeOptions }: FastifyRequest, { errors }: Refusal): boolean {
  const knows = headers.accept?.includes('application/graphql-response+json') ?? false;
  return (
    routeOptions.config.graphqlOverHttp === true &&
    !knows &&
    !errors.some(({ extensions }) => extensions?.['code'] === 'BAD_REQUEST')
  );
}

function errorBody(code: string, message: string): { errors: GraphQLFormattedError[] } {
  return { errors: [{ message: shortenedMessage(message), extensions: { code } }] };
}

/** An answer that has errors. */
interface Refusal {
  readonly errors: readonly GraphQLFormattedError[];
}

/**
 * Every error that leaves us carries the request's id. Stamped last, since some errors arise before GraphQL has
 * a context, and some before there is GraphQL.
 */
function withRequestId(answer: Refusal, requestId: string): string {
  const errors = answer.errors.map((error) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
  return JSON.stringify({ ...answer, errors });
}

function errorsOf(payload: unknown): Refusal | undefined {
  // It begins with them: Apollo Server puts them first, as the specification advises.
  if (typeof payload !== 'string' || !payload.startsWith('{"errors":')) return undefined;
  // Written by Apollo Server or by errorBody, both from this type.
  return JSON.parse(payload) as Refusal;
}
