/**
 * The HTTP server: routes, and what goes for all of them. Does not listen, and does not know where the
 * services come from.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import cors from '@fastify/cors';
import underPressure from '@fastify/under-pressure';
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
import type { GraphQLFormattedError } from 'graphql';
import { DatabaseUnavailable, Overloaded } from '../database/failures';
import type { Metrics } from '../metrics';
import type { Services } from '../resolvers/context';
import { createSchema } from '../resolvers/schema';
import { type AccessRules, refusal } from './access';
import {
  Authentication,
  type Caller,
  KeysUnavailable,
  type TokenRules,
  Unauthenticated,
  hasAnyScope,
  warnOfProxies,
} from './authentication';
import { Cohorts } from './cohorts';
import { dashboard } from './dashboard';
import { codeOf, tellFailure } from './errors';
import { type RequestContext, createGraphQLServer } from './graphql';
import { eventStreams, parametersOf } from './eventStream';
import { Observation, Observer } from './observation';
import { playground, varyByAccept } from './playground';
import { negotiateRepresentation } from './representation';
import { Subscriptions } from './subscriptions';
import { speakGraphQL, webSockets } from './webSocket';

export interface ServerSettings extends AccessRules {
  /** Undefined: nobody is asked for a token. */
  readonly tokens: TokenRules | undefined;
  readonly playground: boolean;
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  /** How long a request may take to arrive, and until it is answered, in milliseconds. */
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

/**
 * How late the event loop may be, on the average of a second, before new requests are refused; in milliseconds.
 * A change takes some six turns of it, so that at this delay its answer takes half of the default
 * REQUEST_TIMEOUT_MS, and more is done for those who no longer wait. At 0.25 ms of work for a request that is
 * 1,600 at the same time; a few hundred, or a single long pause, come nowhere near.
 */
const LONGEST_DELAY = 400;

/** @returns a server that is ready to listen */
export async function createServer(
  settings: ServerSettings,
  services: Services,
): Promise<FastifyInstance> {
  const observer = new Observer(settings.log, settings.metrics);
  const server = fastify({
    loggerInstance: settings.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(),
    // Nobody logs by request; whoever logs names its id.
    childLoggerFactory: (log) => log,
    bodyLimit: BODY_LIMIT,
    keepAliveTimeout: KEEP_ALIVE,
    forceCloseConnections: 'idle',
    // Requests on open connections are answered to the end, and /readyz tells what is going on.
    return503OnClosing: false,
    // Who sends a body byte by byte holds a socket no longer than anybody else.
    requestTimeout: settings.requestTimeout,
    // What cannot even be routed passes none of the hooks below.
    frameworkErrors: ({ message }, { id, raw }, reply) => {
      observer.answered(new Observation(id), 'BAD_REQUEST', 400);
      const body = withRequestId(errorBody('BAD_REQUEST', message), id);
      reply.raw
        .writeHead(400, { 'content-type': 'application/json; charset=utf-8', 'x-request-id': id })
        .end(body, () => {
          // Node no longer looks after the socket of an upgrade.
          if (raw.headers.upgrade !== undefined) raw.socket.destroy();
        });
    },
  });

  // Who has asked all that they will, and closed their side, is told what became of it. Node has no documented
  // option for that, but its own HTTP server's switch, which would else end the socket before the answer.
  Object.assign(server.server, { httpAllowHalfOpen: true });

  const authentication = settings.tokens && new Authentication(settings.tokens, settings.log);
  const lookForProxy = authentication ? undefined : warnOfProxies(settings.log);

  // Declared, so that every request has one shape.
  server.decorateRequest('observation');
  // Before any other hook of this kind: whoever is sent away must not come back here.
  server.addHook('preClose', (done) => {
    // Not the one of HTTP, which cuts idle connections off at once.
    Server.prototype.close.call(server.server);
    done();
  });
  // Before any hook that refuses: it ends the socket of an upgrade that is refused.
  await webSockets(server);
  server.addHook('onRequest', (request, reply, done) => {
    const { method, headers, id } = request;
    request.observation = new Observation(id);
    settings.onRequest?.(id);
    reply.header('x-request-id', id);
    lookForProxy?.(headers);
    // To a socket any page may be shown the answers.
    const reads = isRead(method) && headers.upgrade === undefined;
    const message = refusal(headers, reads, settings);
    if (message === undefined) done();
    else reply.code(403).send(errorBody('FORBIDDEN', message));
  });
  // The only gate that all answers pass: errors are stamped here, and what became of the request is told.
  server.addHook('onSend', (request, reply, payload, done) => {
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
    lives: services.lives,
    archive: services.archive,
    feed: services.feed,
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
  const schema = createSchema();
  const graphql = createGraphQLServer(schema, { ...settings, authentication });
  await graphql.start();
  server.addHook('onClose', () => graphql.stop());
  const execute = fastifyApolloHandler(graphql, {
    context: async ({ observation, caller }) => contextOf(observation, caller),
  });
  const subscriptions = new Subscriptions(schema, { ...settings, observer });
  const wsHandler = speakGraphQL(
    subscriptions,
    subscriptionContextOf,
    services.newId,
    authentication,
  );
  const authenticate = authentication && requireToken(authentication);
  server.get('/metrics', authenticate ? { onRequest: authenticate } : {}, async (_request, reply) =>
    reply.type(settings.metrics.contentType).send(await settings.metrics.expose()),
  );
  const vary: onRequestHookHandler = (_request, reply, done) => {
    varyByAccept(reply);
    done();
  };
  await server.register(underPressure, {
    maxEventLoopDelay: LONGEST_DELAY,
    // It only measures. Who is refused, and how, is for the door to say: whoever looks after us must get in.
    pressureHandler: () => undefined,
  });
  const refuse = (reply: FastifyReply, failure: Error): void => {
    const { code, message } = tellFailure(failure);
    reply.code(503).header('retry-after', 1).send(errorBody(code, message));
  };
  // A whole cohort may want the same lane.
  const cohorts = new Cohorts(settings.maxQueue);
  // Before it is parsed: whoever would be refused costs no more than that.
  const door: onRequestHookHandler = ({ ws }, reply, done) => {
    if (ws) {
      done();
      return;
    }
    const { lives, archive } = services;
    if (lives.isFull || archive.isFull || cohorts.isFull || server.isUnderPressure()) {
      refuse(reply, new Overloaded('Too many wait already.'));
      return;
    }
    const isDown = settings.isDatabaseDown();
    if (isDown === false) {
      done();
      return;
    }
    void isDown.then((is) => {
      if (is) refuse(reply, new DatabaseUnavailable());
      else done();
    });
  };
  const onRequest = authenticate ? [vary, door, authenticate, requireAnyScope] : [vary, door];
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
  const preHandler = [cohorts.preHandler, door];
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
  eventStreams(server, subscriptions, subscriptionContextOf, door, authenticate);
  if (settings.playground) await server.register(playground);
  await server.register(dashboard);
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
  return { errors: [{ message, extensions: { code } }] };
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
