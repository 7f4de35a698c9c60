/**
 * Subscriptions, however they travel: which are accepted, how they begin and end, and what is told of an error. Does
 * not know WebSockets or server-sent events.
 */
import { createHash } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import {
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  OperationTypeNode,
  createSourceEventStream,
} from 'graphql';
import { executionOptions } from './documents';
import { codeOf, codeOfError, formatterOf, isUnexpected, limitErrors } from './errors';
import type { RequestContext } from './graphql';
import type { Observation, Observer } from './observation';
import type { Granted, Scopes } from './scopes';
import { type Accepted, ResultStream, type Results, SharedExecution } from './sharedExecution';
import {
  SubscriptionDocuments,
  graphQLRequest,
  keyOf,
  refusal,
  withCode,
} from './subscriptionDocuments';

export interface SubscriptionSettings {
  readonly introspection: boolean;
  readonly log: FastifyBaseLogger;
  readonly observer: Observer;
  /** undefined: no scope is needed. */
  readonly scopes: Scopes | undefined;
  /** How long a result may take, in milliseconds. */
  readonly requestTimeout: number;
}

export class Subscriptions {
  readonly #schema: GraphQLSchema;
  readonly #settings: SubscriptionSettings;
  readonly #documents: SubscriptionDocuments;
  readonly #format: ReturnType<typeof formatterOf>;
  /** What is computed together, for as long as somebody is subscribed to it. */
  readonly #shared = new Map<string, SharedExecution>();

  constructor(schema: GraphQLSchema, settings: SubscriptionSettings) {
    this.#schema = schema;
    this.#settings = settings;
    this.#documents = new SubscriptionDocuments(schema);
    this.#format = formatterOf(settings);
  }

  /**
   * @param given as a client sent it: `query`, `variables`, `operationName`
   * @param granted what its token allows, which the context does not say: results are shared by all that get the same
   * @returns why it is not accepted, if it is not
   */
  accept(
    given: unknown,
    contextValue: RequestContext,
    granted: Granted,
  ): Accepted | readonly GraphQLError[] {
    const { scopes } = this.#settings;
    // A token that allows no subscription has no document of its own read.
    const hopeless = scopes?.refusalOfAll(OperationTypeNode.SUBSCRIPTION, granted);
    if (hopeless) return [hopeless];
    const { data, error } = graphQLRequest.safeParse(given);
    if (error) {
      const parts = error.issues.map(({ path, message }) => [...path, message].join(': '));
      return [refusal('BAD_REQUEST', `This is no GraphQL request. ${parts.join('. ')}`)];
    }
    const read = this.#documents.read(data);
    if (read.operation) contextValue.observation.identify(read.operation);
    if (!('document' in read)) return read.errors;
    const { document, operation } = read;
    const refused = scopes?.refusal(document, operation, granted);
    if (refused) return [refused];
    const { variables, operationName } = data;
    const sameness = samenessOf([keyOf(data), variables]);
    if (sameness === undefined) return [refusal('BAD_REQUEST', 'The variables are too deep.')];
    return {
      schema: this.#schema,
      document,
      variableValues: variables,
      operationName,
      options: executionOptions,
      contextValue,
      sameness,
    };
  }

  /** @returns why a request is refused that wants a single answer, if it is */
  refuse(given: unknown, observation: Observation): readonly GraphQLError[] | undefined {
    const { operation, errors } = this.#documents.misplaced(given);
    if (operation) observation.identify(operation);
    return errors;
  }

  /**
   * How a subscription that began goes on and ends is observed here; that one was refused, where it is told.
   *
   * @returns the results, as they come; or what kept it from beginning
   */
  async begin(accepted: Accepted): Promise<Results | { readonly errors: readonly GraphQLError[] }> {
    const beganAt = performance.now();
    const source = await createSourceEventStream(accepted).catch((error: unknown) => ({
      errors: [new GraphQLError('', { originalError: asError(error) })],
    }));
    if (!isStream(source)) {
      const { errors = [] } = source;
      // graphql-js gives no code to what is wrong with the variables, which is at no place of the answer.
      return {
        errors: errors.map((error) =>
          error.path === undefined && error.nodes ? withCode(error, 'BAD_USER_INPUT') : error,
        ),
      };
    }
    const { sameness, contextValue } = accepted;
    const { observation } = contextValue;
    const { requestTimeout, observer } = this.#settings;
    const shared = this.#shared.get(sameness) ?? new SharedExecution(accepted, requestTimeout);
    this.#shared.set(sameness, shared);
    shared.subscribers += 1;
    observer.answered(observation, 'OK');
    return new ResultStream(source[Symbol.asyncIterator](), shared, beganAt, (error) => {
      shared.subscribers -= 1;
      if (shared.subscribers === 0) this.#shared.delete(sameness);
      observer.ended(observation, error === undefined ? 'OK' : codeOfError(error));
    });
  }

  /** A subscription, or a socket for them, was refused by other means than the answer to an HTTP request. */
  refused(observation: Observation, code: string): void {
    this.#settings.observer.answered(observation, code);
  }

  /** A result as it may leave us; errors that nobody expected are logged. */
  tell(
    result: ExecutionResult,
    context: Pick<RequestContext, 'requestId'>,
  ): FormattedExecutionResult {
    const { errors, ...rest } = result;
    if (!errors) return rest;
    const told = this.tellErrors(errors, context);
    // Without data it is no result of a subscription, but why there is none.
    if ('data' in rest) this.#settings.observer.resultFailed(codeOf(told));
    return { errors: told, ...rest };
  }

  tellErrors(
    errors: readonly unknown[],
    { requestId }: Pick<RequestContext, 'requestId'>,
  ): GraphQLFormattedError[] {
    const told = errors.map((error) => {
      const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error;
      if (isUnexpected(error)) this.#settings.log.error({ requestId, err: cause });
      const raw = error instanceof GraphQLError ? error.toJSON() : { message: '' };
      return this.#format(raw, error);
    });
    return limitErrors(told).map(({ extensions, ...rest }) => ({
      ...rest,
      extensions: { ...extensions, requestId },
    }));
  }
}

/** @returns undefined for what is nested so deep that it overflows the stack */
function samenessOf(asked: readonly unknown[]): string | undefined {
  try {
    return createHash('sha256').update(JSON.stringify(asked)).digest('base64');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isStream<T>(source: AsyncIterable<T> | ExecutionResult): source is AsyncIterable<T> {
  return Symbol.asyncIterator in source;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
