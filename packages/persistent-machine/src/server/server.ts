/**
 * The HTTP server: its rooms, in the order in which a request goes through them. Does not listen, and does not know where
 * the services come from.
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
  /** undefined: no client is asked for a token. */
  readonly tokens: TokenRules | undefined;
  /** undefined: a browser gets no page at `/graphql`. */
  readonly playground: Playground | undefined;
  /** undefined: there is nothing at `/`. */
  readonly dashboard: Dashboard | undefined;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  /** Where it will listen. */
  readonly host: string;
  /** The most connections of clients. */
  readonly mostConnections: number;
  /** Asked whenever a load balancer wants to know whether to send requests here. */
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
  // The order of these is that of their hooks, and what each says of it must hold.
  listenUntilLeaving(server, settings.host);
  // Before any hook that refuses: it ends the socket of an upgrade that is refused.
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
  // Which of its two addresses clients prefer cannot be known.
  const most = host === 'localhost' ? mostConnections / 2 : mostConnections;
  return new Connections(most, requestTimeout, log);
}

/** @returns undefined where no client is asked for a token */
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
