/**
 * Apollo Server over our schema: how documents are executed, and what of a failure is told and what logged.
 * Does not know HTTP routes, nor where the context comes from.
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
import { formatterOf, isUnexpected, limitErrors } from './errors';
import type { Observation } from './observation';
import { type Scopes, requireScopes } from './scopes';

/** What a request over HTTP is executed with. */
export interface RequestContext extends Context {
  readonly observation: Observation;
}

export interface GraphQLSettings {
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
  /** undefined: no scope is needed. */
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
    // A missing persisted query would come out as an internal error.
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    // "Did you mean …?" would tell the names that introspection withholds.
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
 * No variables, and no document: they hold what is none of the log's business. One plugin for all of ours,
 * and one listener for all requests: Apollo Server asks each plugin anew for each request, and waits for it.
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
      // No directive of ours delivers in parts.
      if (body.kind === 'single' && body.singleResult.errors) {
        body.singleResult.errors = limitErrors(body.singleResult.errors);
      }
    },
  });
  return { requestDidStart: () => listener };
}
