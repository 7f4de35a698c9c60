/**
 * The first hook of every request: it makes the observation, and refuses requests that break HTTP or come from a
 * foreign page. Knows only the route of sockets, and no GraphQL.
 */
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import { type AccessRules, hostRule, refusal, warnOfOpenness } from './access';
import { errorBody } from './answers';
import { isQueryUtf8 } from './encoding';
import { Observation } from './observation';
import { EVENT_STREAM, representationOf } from './representation';
import { upgradeRefusal } from './upgrades';

export interface EntranceSettings extends AccessRules {
  /** undefined: clients need no token, and the log warns if strangers can reach the server. */
  readonly tokens: object | undefined;
  readonly log: FastifyBaseLogger;
  /** Called with the id of each request, for traces; undefined if there are none. */
  readonly onRequest: ((requestId: string) => void) | undefined;
}

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the first hook. */
    observation: Observation;
  }
}

/** Must be called before any hook that reads the observation is added. */
export function guardEntrance(server: FastifyInstance, settings: EntranceSettings): void {
  const lookForProxy = settings.tokens ? undefined : warnOfOpenness(settings.log, settings);
  const refusalOf = refusalsBy(settings);
  // Gives all requests one hidden class.
  server.decorateRequest('observation');
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
}

/** @returns a function that says why a request is refused; undefined if it is not */
function refusalsBy(rules: AccessRules): (request: FastifyRequest) => Refused | undefined {
  const isHost = hostRule();
  return (request) => {
    const { method, headers, ws } = request;
    const fault = faultOf(request);
    if (fault !== undefined) return { status: 400, code: 'BAD_REQUEST', message: fault };
    // Browsers let any page read a WebSocket, and hold open an event stream whose data the page cannot read.
    const reads =
      isRead(method) && headers.upgrade === undefined && representationOf(request) !== EVENT_STREAM;
    const message = refusal(headers, reads, rules);
    if (message !== undefined) return { status: 403, code: 'FORBIDDEN', message };
    if (headers.host !== undefined && !isHost(headers.host)) {
      return { status: 400, code: 'BAD_REQUEST', message: 'The Host header is not valid.' };
    }
    return ws ? upgradeRefusal(request, '/graphql') : undefined;
  };
}

/** @returns what is wrong with a request that Node's parser accepts; undefined if nothing is */
function faultOf(request: FastifyRequest): string | undefined {
  const { headers, raw, routeOptions } = request;
  // A load balancer's HTTP/1.0 probe needs none. At /graphql, Apollo Server's integration needs it to build a URL.
  const needsHost = raw.httpVersion === '1.1' || routeOptions.url === '/graphql';
  if (headers.host === undefined && needsHost) return 'The request needs a Host header.';
  return isQueryUtf8(request) ? undefined : 'The query string is not UTF-8.';
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}
