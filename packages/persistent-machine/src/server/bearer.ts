/**
 * Bearer tokens over HTTP: refuses a request without a valid token before its body is read. Knows the headers and
 * statuses of RFC 6750, and not how a token is checked.
 */
import type { onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify';
import { errorBody } from './answers';
import {
  type Authentication,
  type Caller,
  KeysUnavailable,
  Unauthenticated,
} from './authentication';
import type { Scopes } from './scopes';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireToken`. */
    caller?: Caller;
  }
}

/** Refuses a request that has no valid token. */
export function requireToken(authentication: Authentication): onRequestAsyncHookHandler {
  return async (request, reply) => {
    // A WebSocket client sends its token in its first message.
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

/**
 * Refuses a token without any scope of this server. `Scopes` checks the operation later, when the document is known.
 */
export function requireAnyScope(scopes: Scopes): onRequestHookHandler {
  return ({ ws, caller }, reply, done) => {
    if (ws || (caller && scopes.allowAnything(caller.scopes))) {
      done();
      return;
    }
    const message = 'The token has no scope of this server.';
    reply.code(403).send(errorBody('FORBIDDEN', message));
  };
}
