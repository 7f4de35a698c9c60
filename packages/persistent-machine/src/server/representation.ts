/** Tells what a request wants `/graphql` to answer with, so that a route can be for just that. Knows HTTP's `Accept` only. */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import Negotiator from 'negotiator';

export const EVENT_STREAM = 'text/event-stream';

/** What `/graphql` can answer; who has no preference, as curl has none, gets the first. */
const REPRESENTATIONS = [
  'application/json',
  'application/graphql-response+json',
  EVENT_STREAM,
  'text/html',
];

/**
 * Lets routes have the constraint `representation`, one of those above. A request whose representation no
 * route is for reaches the route that has no constraint.
 */
export function negotiateRepresentation(server: FastifyInstance): void {
  server.addConstraintStrategy({
    name: 'representation',
    storage: () => new Map(),
    deriveConstraint: representationOf,
  });
}

/** What a request to `/graphql` wants; undefined: a socket, or JSON, as far as anybody has looked. */
export function representationOf(request: {
  readonly headers: IncomingHttpHeaders;
}): string | undefined {
  const { accept, upgrade } = request.headers;
  // Most requests name none but JSON, and need no negotiation.
  return accept?.includes('text/') === true && upgrade === undefined
    ? new Negotiator(request).mediaType(REPRESENTATIONS)
    : undefined;
}
