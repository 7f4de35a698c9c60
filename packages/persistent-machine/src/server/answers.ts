/**
 * Answers as they leave the server: each error gets the id of its request, and the observer learns the outcome. Knows
 * the form of errors, not their meaning.
 */
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLFormattedError } from 'graphql';
import { shortenedMessage } from './errorSizes';
import { codeOf } from './errors';
import type { Observer } from './observation';
import { answerLast } from './upgrades';

/** An answer with errors. */
interface Refusal {
  readonly errors: readonly GraphQLFormattedError[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route follows the specification "GraphQL over HTTP". */
    graphqlOverHttp?: boolean;
  }
}

export function errorBody(code: string, message: string): { errors: GraphQLFormattedError[] } {
  return { errors: [{ message: shortenedMessage(message), extensions: { code } }] };
}

/** Adds the hook that all answers pass: it stamps errors with the request's id, and reports the outcome. */
export function stampAnswers(server: FastifyInstance, observer: Observer): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    if (request.ws) answerLast(request, reply);
    const answer = errorsOf(payload);
    if (answer && reply.statusCode === 400 && isSentAs200(request, answer)) reply.code(200);
    observer.answered(request.observation, codeOf(answer?.errors), reply.statusCode);
    done(null, answer ? withRequestId(answer, request.id) : payload);
  });
}

/** Answers requests that fail, and requests for which there is no route. */
export function answerFailures(server: FastifyInstance, log: FastifyBaseLogger): void {
  server.setErrorHandler<FastifyError>((error, { id }, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      log.error({ requestId: id, err: error });
      return reply
        .code(500)
        .send(errorBody('INTERNAL_SERVER_ERROR', 'Something went wrong on our side.'));
    }
    return reply.code(status).send(errorBody('BAD_REQUEST', error.message));
  });
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(errorBody('NOT_FOUND', 'There is nothing here. GraphQL is at /graphql.')),
  );
}

/**
 * By "GraphQL over HTTP", a client that does not accept `application/graphql-response+json` reads a GraphQL error
 * only from an answer with status 200. So an error in the document or its variables has that status, but not an error
 * in the HTTP request.
 */
function isSentAs200({ headers, routeOptions }: FastifyRequest, { errors }: Refusal): boolean {
  const knows = headers.accept?.includes('application/graphql-response+json') ?? false;
  return (
    routeOptions.config.graphqlOverHttp === true &&
    !knows &&
    !errors.some(({ extensions }) => extensions?.['code'] === 'BAD_REQUEST')
  );
}

/**
 * Stamps errors as late as possible, because some arise before GraphQL has a context, and some without GraphQL.
 */
function withRequestId(answer: Refusal, requestId: string): string {
  const errors = answer.errors.map((error) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
  return JSON.stringify({ ...answer, errors });
}

function errorsOf(payload: unknown): Refusal | undefined {
  // Apollo Server writes errors first, as the specification advises.
  if (typeof payload !== 'string' || !payload.startsWith('{"errors":')) return undefined;
  // Apollo Server and `errorBody` both write this type.
  return JSON.parse(payload) as Refusal;
}
