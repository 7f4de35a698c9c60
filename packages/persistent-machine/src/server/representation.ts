/**
 * Negotiates the content type of `/graphql`, so that each type can have a route. Knows HTTP's `Accept`, and no
 * GraphQL.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import Negotiator from 'negotiator';

export const EVENT_STREAM = 'text/event-stream';

/** The content types of `/graphql`. A client without a preference, such as curl, gets the first. */
const REPRESENTATIONS = [
  'application/json',
  'application/graphql-response+json',
  EVENT_STREAM,
  'text/html',
];

/**
 * Lets routes have the constraint `representation`, one of those above. A request that matches no such route reaches
 * the route without the constraint.
 */
export function negotiateRepresentation(server: FastifyInstance): void {
  server.addConstraintStrategy({
    name: 'representation',
    storage: () => new Map(),
    deriveConstraint: representationOf,
  });
}

/** @returns the content type that the client wants; undefined for a WebSocket, or if only JSON can be meant */
export function representationOf(request: {
  readonly headers: IncomingHttpHeaders;
}): string | undefined {
  const { accept, upgrade } = request.headers;
  // Most clients accept only JSON, and need no negotiation.
  return accept?.includes('text/') === true && upgrade === undefined
    ? new Negotiator(request).mediaType(REPRESENTATIONS)
    : undefined;
}
