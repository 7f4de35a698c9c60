/**
 * Apollo Server over our schema: how documents are executed, and what of a failure is told and what logged.
 * Does not know HTTP routes, nor where the context comes from.
 */
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import type { FastifyBaseLogger } from 'fastify';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Context } from '../resolvers/context';
import { formatError, formatErrorTersely, isUnexpected } from './errors';

/** The most tokens of a document; nested brackets would overflow the parser's stack long before a body's limit. */
const MAX_TOKENS = 1_000;

/** Lives, their histories, and the lives and histories of those: each further level multiplies the answer. */
const MAX_DEPTH = 12;

/** The library throws, past the validation's own errors, unless it is told to report. */
const limitDepth = maxDepthRule({
  n: MAX_DEPTH,
  flattenFragments: true,
  propagateOnRejection: false,
  onReject: [
    (context) => {
      context?.reportError(new GraphQLError(`The document is more than ${MAX_DEPTH} levels deep.`));
    },
  ],
});

export interface GraphQLSettings {
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
}

/** @returns a server that is not started yet */
export function createGraphQLServer(
  schema: GraphQLSchema,
  { introspection, log }: GraphQLSettings,
): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema,
    introspection,
    logger: log,
    formatError: introspection ? formatError : formatErrorTersely,
    parseOptions: { maxLexicalTokens: MAX_TOKENS },
    validationRules: [limitDepth],
    // A missing persisted query would come out as an internal error.
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    // "Did you mean …?" would tell the names that introspection withholds.
    hideSchemaDetailsFromClientErrors: !introspection,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      logUnexpectedErrors(log),
      answerOverHttp,
    ],
  });
}

/** No variables, and no document: they hold what is none of the log's business. */
function logUnexpectedErrors(log: FastifyBaseLogger): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors, contextValue: { requestId }, operationName }) => {
        for (const error of errors.filter(isUnexpected)) {
          log.error({ requestId, operationName, err: error.originalError ?? error });
        }
      },
    }),
  };
}

/**
 * GraphQL over HTTP: a client that does not know `application/graphql-response+json` takes any status but
 * 200 for an answer that is not GraphQL's, so an error of the document or its variables is told in a 200. An
 * error of the HTTP request is not.
 */
const answerOverHttp: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, response }) => {
      const { body, http } = response;
      if (http.status !== 400 || body.kind !== 'single') return;
      const accept = request.http?.headers.get('accept') ?? '';
      if (accept.includes('application/graphql-response+json')) return;
      const { errors = [] } = body.singleResult;
      if (errors.some(({ extensions }) => extensions?.['code'] === 'BAD_REQUEST')) return;
      http.status = 200;
    },
  }),
};
