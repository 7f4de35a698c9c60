/**
 * Apollo Server over the schema: how documents are executed, and which errors are logged. Does not know HTTP routes,
 * nor how the context is made.
 */
import { ApolloServer, type ApolloServerPlugin, type GraphQLRequestListener } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { FastifyBaseLogger } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Context } from '../graphql/context';
import { executionOptions, parseOptions, validationOptions, validationRules } from './documents';
import { limitErrors } from './errorSizes';
import { formatterOf, isUnexpected } from './errors';
import type { Observation } from './observation';
import { type Scopes, requireScopes } from './scopes';

export interface RequestContext extends Context {
  readonly observation: Observation;
}

export interface GraphQLSettings {
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
  /** undefined if no scope is needed. */
  readonly scopes: Scopes | undefined;
}

/** @returns a server that is not started yet */
export function createGraphQLServer(
  schema: GraphQLSchema,
  { introspection, log, scopes }: GraphQLSettings,
): ApolloServer<RequestContext> {
  return new ApolloServer<RequestContext>({
    schema,
    introspection,
    logger: log,
    formatError: formatterOf({ introspection }),
    parseOptions,
    validationRules: [...validationRules],
    validationOptions,
    executionOptions,
    // Apollo Server reports a missing persisted query as an internal error.
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    // "Did you mean …?" would reveal the names that introspection withholds.
    hideSchemaDetailsFromClientErrors: !introspection,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      watchRequests(log),
      ...(scopes ? [requireScopes(scopes)] : []),
    ],
  });
}

/**
 * Logs unexpected errors, without variables and documents, which may hold private data. One plugin and one listener
 * serve all requests, because Apollo Server awaits every plugin for each request.
 */
function watchRequests(log: FastifyBaseLogger): ApolloServerPlugin<RequestContext> {
  const listener = Promise.resolve<GraphQLRequestListener<RequestContext>>({
    didEncounterErrors: async ({ errors, operation, contextValue: { requestId, observation } }) => {
      if (operation) observation.identify(operation);
      for (const error of errors.filter(isUnexpected)) {
        const { operationName } = observation;
        log.error({ requestId, operationName, err: error.originalError ?? error });
      }
    },
    willSendResponse: async ({ operation, response: { body }, contextValue: { observation } }) => {
      if (operation) observation.identify(operation);
      // The schema has no `@defer` or `@stream`, so every body is single.
      if (body.kind === 'single' && body.singleResult.errors) {
        body.singleResult.errors = limitErrors(body.singleResult.errors);
      }
    },
  });
  return { requestDidStart: () => listener };
}
