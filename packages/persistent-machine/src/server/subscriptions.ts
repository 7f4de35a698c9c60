/**
 * Subscriptions over any transport: which are accepted, how they begin and end, and how their errors are formatted.
 * Does not know WebSockets or server-sent events.
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
import { limitErrors } from './errorSizes';
import { codeOf, codeOfError, formatterOf, isUnexpected } from './errors';
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
  /** undefined if no scope is needed. */
  readonly scopes: Scopes | undefined;
  /** How long one result may take, in milliseconds. */
  readonly requestTimeout: number;
}

export class Subscriptions {
  readonly #schema: GraphQLSchema;
  readonly #settings: SubscriptionSettings;
  readonly #documents: SubscriptionDocuments;
  readonly #format: ReturnType<typeof formatterOf>;
  /** An entry is kept as long as it has subscribers. */
  readonly #shared = new Map<string, SharedExecution>();

  constructor(schema: GraphQLSchema, settings: SubscriptionSettings) {
    this.#schema = schema;
    this.#settings = settings;
    this.#documents = new SubscriptionDocuments(schema);
    this.#format = formatterOf(settings);
  }

  /**
   * @param given the client's `query`, `variables` and `operationName`
   * @param granted the scopes of the client's token. The context has none, because subscribers share results.
   * @returns the accepted subscription, or why it is refused
   */
  accept(
    given: unknown,
    contextValue: RequestContext,
    granted: Granted,
  ): Accepted | readonly GraphQLError[] {
    const { scopes } = this.#settings;
    // Does not even read the document if the token allows no subscription.
    const forbidden = scopes?.refusalOfAll(OperationTypeNode.SUBSCRIPTION, granted);
    if (forbidden) return [forbidden];
    const { data, error } = graphQLRequest.safeParse(given);
    if (error) {
      const parts = error.issues.map(({ path, message }) => [...path, message].join(': '));
      return [refusal('BAD_REQUEST', `This is not a GraphQL request. ${parts.join('. ')}`)];
    }
    const read = this.#documents.read(data);
    if (read.operation) contextValue.observation.identify(read.operation);
    if (!('document' in read)) return read.errors;
    const { document, operation } = read;
    const refused = scopes?.refusal(document, operation, granted);
    if (refused) return [refused];
    const { variables, operationName } = data;
    const sharingKey = sharingKeyOf([keyOf(data), variables]);
    if (sharingKey === undefined) {
      return [refusal('BAD_REQUEST', 'The variables are nested too deeply.')];
    }
    return {
      schema: this.#schema,
      document,
      variableValues: variables,
      operationName,
      options: executionOptions,
      contextValue,
      sharingKey,
    };
  }

  /** @returns why a request for a single answer is refused; undefined if it is not */
  refuse(given: unknown, observation: Observation): readonly GraphQLError[] | undefined {
    const { operation, errors } = this.#documents.misplaced(given);
    if (operation) observation.identify(operation);
    return errors;
  }

  /**
   * Reports the beginning and the end of a subscription to the observer. The transport reports a refusal.
   *
   * @returns the results, or the errors that kept the subscription from beginning
   */
  async begin(accepted: Accepted): Promise<Results | { readonly errors: readonly GraphQLError[] }> {
    const beganAt = performance.now();
    const source = await createSourceEventStream(accepted).catch((error: unknown) => ({
      errors: [new GraphQLError('', { originalError: asError(error) })],
    }));
    if (!isStream(source)) {
      const { errors = [] } = source;
      // graphql-js gives no code to an error in the variables. Such an error has no path in the answer.
      return {
        errors: errors.map((error) =>
          error.path === undefined && error.nodes ? withCode(error, 'BAD_USER_INPUT') : error,
        ),
      };
    }
    const { sharingKey, contextValue } = accepted;
    const { observation } = contextValue;
    const { requestTimeout, observer } = this.#settings;
    const shared = this.#shared.get(sharingKey) ?? new SharedExecution(accepted, requestTimeout);
    this.#shared.set(sharingKey, shared);
    shared.subscribers += 1;
    observer.answered(observation, 'OK');
    return new ResultStream(source[Symbol.asyncIterator](), shared, beganAt, (error) => {
      shared.subscribers -= 1;
      if (shared.subscribers === 0) this.#shared.delete(sharingKey);
      observer.ended(observation, error === undefined ? 'OK' : codeOfError(error));
    });
  }

  /** Reports a refusal that is not the answer to an HTTP request. */
  refused(observation: Observation, code: string): void {
    this.#settings.observer.answered(observation, code);
  }

  /** Formats a result for the client, and logs its unexpected errors. */
  formatResult(
    result: ExecutionResult,
    context: Pick<RequestContext, 'requestId'>,
  ): FormattedExecutionResult {
    const { errors, ...rest } = result;
    if (!errors) return rest;
    const formatted = this.formatErrors(errors, context);
    // A result without `data` is a refusal, which the transport reports.
    if ('data' in rest) this.#settings.observer.resultFailed(codeOf(formatted));
    return { errors: formatted, ...rest };
  }

  formatErrors(
    errors: readonly unknown[],
    { requestId }: Pick<RequestContext, 'requestId'>,
  ): GraphQLFormattedError[] {
    const formatted = errors.map((error) => {
      const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error;
      if (isUnexpected(error)) this.#settings.log.error({ requestId, err: cause });
      const raw = error instanceof GraphQLError ? error.toJSON() : { message: '' };
      return this.#format(raw, error);
    });
    return limitErrors(formatted).map(({ extensions, ...rest }) => ({
      ...rest,
      extensions: { ...extensions, requestId },
    }));
  }
}

/** @returns undefined if the variables are nested so deeply that they overflow the stack */
function sharingKeyOf(asked: readonly unknown[]): string | undefined {
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
