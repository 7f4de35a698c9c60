/**
 * The route `/graphql`: the order in which requests of all transports are admitted, authenticated and executed. Knows
 * no machine, and no document.
 */
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  onRequestHookHandler,
} from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Services } from '../graphql/context';
import { Admission } from './admission';
import { errorBody } from './answers';
import type { Authentication, Caller } from './authentication';
import { requireAnyScope } from './bearer';
import type { Connections } from './connections';
import { eventStreams, parametersOf } from './eventStream';
import { type RequestContext, createGraphQLServer } from './graphql';
import type { Observation, Observer } from './observation';
import { varyByAccept } from './playground';
import { negotiateRepresentation } from './representation';
import type { Scopes } from './scopes';
import { Subscriptions } from './subscriptions';
import { speakGraphQL } from './webSocket';

export interface GraphQLRouteSettings {
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
  readonly observer: Observer;
  readonly connections: Connections;
  /** How long a request may take, in milliseconds. */
  readonly requestTimeout: number;
  /** The most requests that may wait in one queue. */
  readonly maxQueue: number;
  /** Whether requests should be refused because the database is down. Returns a promise only if it must probe. */
  readonly isDatabaseDown: () => false | Promise<boolean>;
  /** undefined if clients need no token. */
  readonly access:
    | {
        readonly authentication: Authentication;
        readonly authenticate: onRequestAsyncHookHandler;
        readonly scopes: Scopes;
      }
    | undefined;
}

const URL = '/graphql';

/** Must be called after all hooks for this route are added. */
export async function graphqlRoute(
  server: FastifyInstance,
  schema: GraphQLSchema,
  services: Services,
  settings: GraphQLRouteSettings,
): Promise<void> {
  const { access, connections, observer } = settings;
  const scopes = access?.scopes;
  const contextOf = contextsOf(services, settings.requestTimeout);
  // Subscribers share results, which therefore must not depend on the caller.
  const subscriptionContextOf = (observation: Observation): RequestContext =>
    contextOf(observation, undefined);
  const execute = await executionOf(server, schema, contextOf, { ...settings, scopes });
  const admission = admissionOf(server, services, settings);
  const subscriptions = new Subscriptions(schema, { ...settings, scopes, observer });
  const wsHandler = speakGraphQL({
    subscriptions,
    contextOf: subscriptionContextOf,
    newId: services.newId,
    authentication: access?.authentication,
    isFull: () => admission.isFull,
  });
  const { cohorts, onRequest: admit } = admission;
  const route = {
    url: URL,
    onRequest: access
      ? [vary, admit, access.authenticate, requireAnyScope(access.scopes)]
      : [vary, admit],
    // Admits a second time, because earlier requests of the cohort may have filled a queue.
    preHandler: [cohorts.preHandler, admit],
    onSend: cohorts.onSend,
    config: { graphqlOverHttp: true },
    handler: (request: FastifyRequest, reply: FastifyReply) =>
      refuseSubscription(subscriptions, request, reply) ?? execute(request, reply),
  };
  server.route({ ...route, method: 'GET', wsHandler });
  server.route({ ...route, method: 'POST' });
  server.route({
    method: ['PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: URL,
    onRequest: refuseMethod,
    handler: () => undefined,
  });
  negotiateRepresentation(server);
  eventStreams(server, {
    subscriptions,
    contextOf: subscriptionContextOf,
    admit,
    authenticate: access?.authenticate,
    connections,
  });
}

/** @returns a function that makes the context of one request */
function contextsOf(
  { machines, newId }: Services,
  requestTimeout: number,
): (observation: Observation, caller: Caller | undefined) => RequestContext {
  // No spread: it would cost each request more than the rest of its context.
  return (observation, caller) => ({
    machines,
    newId,
    requestId: observation.requestId,
    observation,
    deadline: observation.since + requestTimeout,
    actor: caller?.actor ?? null,
    scopes: caller?.scopes ?? null,
  });
}

/** Starts Apollo Server. @returns its request handler */
async function executionOf(
  server: FastifyInstance,
  schema: GraphQLSchema,
  contextOf: ReturnType<typeof contextsOf>,
  settings: Parameters<typeof createGraphQLServer>[1],
): Promise<(request: FastifyRequest, reply: FastifyReply) => unknown> {
  const graphql = createGraphQLServer(schema, settings);
  await graphql.start();
  server.addHook('onClose', () => graphql.stop());
  const execute = fastifyApolloHandler(graphql, {
    context: async ({ observation, caller }) => contextOf(observation, caller),
  });
  return (request, reply) => execute.call(server, request, reply);
}

function admissionOf(
  server: FastifyInstance,
  { machines }: Services,
  { observer, ...settings }: GraphQLRouteSettings,
): Admission {
  const admission = new Admission({
    ...settings,
    isFull: () => machines.isFull,
    onRefusal: (observation, code, status) => {
      observer.answered(observation, code, status);
    },
  });
  server.server.on('connection', admission.cohorts.connected);
  server.addHook('onClose', (_server, done) => {
    admission.stop();
    done();
  });
  return admission;
}

/** @returns the refusal of a subscription that was sent as a request with a single answer; undefined for all others */
function refuseSubscription(
  subscriptions: Subscriptions,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  const errors = subscriptions.refuse(parametersOf(request), request.observation);
  if (errors === undefined) return undefined;
  const formatted = subscriptions.formatErrors(errors, { requestId: request.id });
  return reply
    .code(400)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ errors: formatted }));
}

const vary: onRequestHookHandler = (_request, reply, done) => {
  varyByAccept(reply);
  done();
};

/** Refuses before the body is read. */
const refuseMethod: onRequestHookHandler = (_request, reply) => {
  reply
    .code(405)
    .header('allow', 'GET, HEAD, POST')
    .send(errorBody('BAD_REQUEST', 'Send GraphQL requests by GET or POST.'));
};
