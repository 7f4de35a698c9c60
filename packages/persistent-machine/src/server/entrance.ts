/**
 * The entrance, which every request passes first: it is given its observation, and refused where HTTP itself or the
 * page that it comes from forbids it. Knows no route but where sockets are, and not what is asked.
 */
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import { type AccessRules, hostRule, refusal, warnOfOpenness } from './access';
import { errorBody } from './answers';
import { isQueryUtf8 } from './encoding';
import { Observation } from './observation';
import { EVENT_STREAM, representationOf } from './representation';
import { upgradeRefusal } from './upgrades';

export interface EntranceSettings extends AccessRules {
  /** undefined: no client is asked for a token, and the log warns where strangers may ask. */
  readonly tokens: object | undefined;
  readonly log: FastifyBaseLogger;
  /** Told the id of each request, by which the log knows it; undefined: requests are not traced. */
  readonly onRequest: ((requestId: string) => void) | undefined;
}

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** From its first hook on. */
    observation: Observation;
  }
}

/** To be called before any hook that looks at a request's observation. */
export function guardEntrance(server: FastifyInstance, settings: EntranceSettings): void {
  const lookForProxy = settings.tokens ? undefined : warnOfOpenness(settings.log, settings);
  const refusalOf = refusalsBy(settings);
  // Declared, so that every request has one shape.
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

/** @returns what says why a request is refused, whatever it asks; undefined where it may go on */
function refusalsBy(rules: AccessRules): (request: FastifyRequest) => Refused | undefined {
  const isHost = hostRule();
  return (request) => {
    const { method, headers, ws } = request;
    const fault = faultOf(request);
    if (fault !== undefined) return { status: 400, code: 'BAD_REQUEST', message: fault };
    // To a socket any page may be shown the answers, and an event stream may be held open by a page that sees nothing.
    const reads =
      isRead(method) && headers.upgrade === undefined && representationOf(request) !== EVENT_STREAM;
    const message = refusal(headers, reads, rules);
    if (message !== undefined) return { status: 403, code: 'FORBIDDEN', message };
    if (headers.host !== undefined && !isHost(headers.host)) {
      return { status: 400, code: 'BAD_REQUEST', message: 'The Host header names no host.' };
    }
    return ws ? upgradeRefusal(request, '/graphql') : undefined;
  };
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
