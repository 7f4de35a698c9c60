/**
 * The HTTP server: adds its hooks and routes in the order in which a request passes them. Does not listen, and does not
 * know how the services are made.
 */
import cors from '@fastify/cors';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Services } from '../graphql/context';
import type { Metrics } from '../metrics';
import { answerFailures, stampAnswers } from './answers';
import { Authentication, type TokenRules } from './authentication';
import { requireToken } from './bearer';
import { Connections } from './connections';
import { type Dashboard, dashboard } from './dashboard';
import { type EntranceSettings, guardEntrance } from './entrance';
import { createFastify } from './fastify';
import { type GraphQLRouteSettings, graphqlRoute } from './graphqlRoute';
import { healthRoutes } from './healthRoutes';
import { type LeavingSettings, endOtherConnections, listenUntilLeaving } from './leaving';
import { metricsRoute } from './metricsRoute';
import { Observer } from './observation';
import { type Playground, playground } from './playground';
import { Scopes } from './scopes';
import { webSockets } from './webSocketServer';

export interface ServerSettings
  extends
    EntranceSettings,
    LeavingSettings,
    Omit<GraphQLRouteSettings, 'observer' | 'connections' | 'access'> {
  /** undefined if clients need no token. */
  readonly tokens: TokenRules | undefined;
  /** undefined if there is no page at `/graphql`. */
  readonly playground: Playground | undefined;
  /** undefined if there is no page at `/`. */
  readonly dashboard: Dashboard | undefined;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  /** The host that it will listen on. */
  readonly host: string;
  /** The most connections of clients. */
  readonly mostConnections: number;
  /** Whether load balancers should send requests here; called for each probe. */
  readonly isReady: () => boolean;
}

/** @returns a server that is ready to listen */
export async function createServer(
  settings: ServerSettings,
  schema: GraphQLSchema,
  services: Services,
): Promise<FastifyInstance> {
  const { log, metrics } = settings;
  const observer = new Observer(log, metrics);
  const connections = connectionsOf(settings);
  const server = createFastify(settings, connections, observer);
  // Hooks run in this order. The functions say what they need of it.
  listenUntilLeaving(server, settings.host);
  // Before any hook that refuses, because it ends the socket of a refused upgrade.
  await webSockets(server, connections);
  guardEntrance(server, settings);
  stampAnswers(server, observer);
  answerFailures(server, log);
  if (settings.corsOrigins.length > 0) {
    await server.register(cors, {
      origin: [...settings.corsOrigins],
      methods: ['GET', 'POST'],
      exposedHeaders: ['x-request-id', 'retry-after', 'www-authenticate'],
    });
  }
  const access = accessBy(settings, schema, services);
  healthRoutes(server, settings.isReady);
  metricsRoute(server, metrics, access?.authenticate);
  await graphqlRoute(server, schema, services, { ...settings, observer, connections, access });
  if (settings.playground) await server.register(playground, settings.playground);
  if (settings.dashboard) await server.register(dashboard, settings.dashboard);
  endOtherConnections(server, settings);
  return server;
}

function connectionsOf({
  host,
  mostConnections,
  requestTimeout,
  log,
}: ServerSettings): Connections {
  // `localhost` has two addresses, with a server each. Which one clients prefer is unknown.
  const most = host === 'localhost' ? mostConnections / 2 : mostConnections;
  return new Connections(most, requestTimeout, log);
}

/** @returns undefined if clients need no token */
function accessBy(
  { tokens, log }: ServerSettings,
  schema: GraphQLSchema,
  { machines }: Services,
): GraphQLRouteSettings['access'] {
  if (tokens === undefined) return undefined;
  const authentication = new Authentication(tokens, log);
  return {
    authentication,
    authenticate: requireToken(authentication),
    scopes: new Scopes(schema, machines.plurals),
  };
}
