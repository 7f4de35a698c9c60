/**
 * Answers, as they leave us: each error carries its request's id, and what became of the request is told to its
 * observer. Knows the form of errors, and not what they are about.
 */
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLFormattedError } from 'graphql';
import { codeOf, shortenedMessage } from './errors';
import type { Observer } from './observation';
import { answerLast } from './upgrades';

/** An answer that has errors. */
interface Refusal {
  readonly errors: readonly GraphQLFormattedError[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether it answers as "GraphQL over HTTP" says. */
    graphqlOverHttp?: boolean;
  }
}

export function errorBody(code: string, message: string): { errors: GraphQLFormattedError[] } {
  return { errors: [{ message: shortenedMessage(message), extensions: { code } }] };
}

/** The only gate that all answers pass: errors are stamped here, and what became of the request is told. */
export function stampAnswers(server: FastifyInstance, observer: Observer): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    if (request.ws) answerLast(request, reply);
    const answer = errorsOf(payload);
    if (answer && reply.statusCode === 400 && isToldIn200(request, answer)) reply.code(200);
    observer.answered(request.observation, codeOf(answer?.errors), reply.statusCode);
    done(null, answer ? withRequestId(answer, request.id) : payload);
  });
}

/** What a request is answered that no route answers: it fails, or there is no such route. */
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
