/**
 * Subscriptions, however they travel: which are accepted, what they are answered, and what is told of an
 * error. What all who ask the same are to get of an event is computed once. Does not know WebSockets or
 * server-sent events.
 */
import { createHash } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  SingleFieldSubscriptionsRule,
  createSourceEventStream,
  execute,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { executionOptions, parseOptions, validationOptions, validationRules } from './documents';
import { codeOf, codeOfError, formatterOf, isUnexpected, limitErrors } from './errors';
import type { RequestContext } from './graphql';
import type { Observation, Observer } from './observation';

/** An operation of a document that was found to be right. */
interface Valid {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** What is remembered of a document that was sent where no subscription goes. */
interface Misplaced {
  /** The subscription that it asks for, if it does. */
  readonly operation?: OperationDefinitionNode;
  /** Why it is refused, if it is. */
  readonly errors?: readonly GraphQLError[];
}

/** A subscription that may begin. */
export interface Accepted extends ExecutionArgs {
  readonly contextValue: RequestContext;
  /** The same for all that are to get the same. */
  readonly sameness: string;
}

/** What a subscription is answered, one after another. */
export type Results = AsyncIterableIterator<ExecutionResult, undefined>;

/** How long a result may be given to others, in milliseconds. */
const SHARED_FOR = 1_000;

/**
 * How many documents are remembered, and how much of their text, in characters; what is made of a text takes a
 * hundred times its room. Clients of a kind all send the same.
 */
const MOST_REMEMBERED = 200;
const LONGEST_REMEMBERED = 200_000;

/** Of what is parsed and validated once, by what was sent. */
function memory<T extends object>(): LRUCache<string, T> {
  return new LRUCache({
    max: MOST_REMEMBERED,
    maxSize: LONGEST_REMEMBERED,
    sizeCalculation: (_remembered, asked) => asked.length,
  });
}

const request = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

export class Subscriptions {
  readonly #schema: GraphQLSchema;
  readonly #log: FastifyBaseLogger;
  readonly #observer: Observer;
  readonly #requestTimeout: number;
  readonly #format: ReturnType<typeof formatterOf>;
  /** Clients who come back all at once, after a restart, do not each have their document parsed and validated anew. */
  readonly #valid = memory<Valid>();
  readonly #misplaced = memory<Misplaced>();
  /** What is computed together, for as long as somebody is subscribed to it. */
  readonly #shared = new Map<string, SharedExecution>();

  constructor(
    schema: GraphQLSchema,
    settings: {
      readonly introspection: boolean;
      readonly log: FastifyBaseLogger;
      readonly observer: Observer;
      /** How long a result may take, in milliseconds. */
      readonly requestTimeout: number;
    },
  ) {
    this.#schema = schema;
    this.#log = settings.log;
    this.#observer = settings.observer;
    this.#requestTimeout = settings.requestTimeout;
    this.#format = formatterOf(settings);
  }

  /**
   * @param given as a client sent it: `query`, `variables`, `operationName`
   * @returns why it is not accepted, if it is not
   */
  accept(given: unknown, contextValue: RequestContext): Accepted | readonly GraphQLError[] {
    const { data, error } = request.safeParse(given);
    if (error) {
      const parts = error.issues.map(({ path, message }) => [...path, message].join(': '));
      return [refusal('BAD_REQUEST', `This is no GraphQL request. ${parts.join('. ')}`)];
    }
    const { query, variables, operationName } = data;
    const asked = JSON.stringify([query, operationName]);
    const { observation } = contextValue;
    const known = this.#valid.get(asked);
    const valid = known ?? this.#validate(query, operationName, observation);
    if (!('document' in valid)) return valid;
    if (known === undefined) this.#valid.set(asked, valid);
    observation.identify(valid.operation);
    const sameness = samenessOf([asked, variables]);
    if (sameness === undefined) return [refusal('BAD_REQUEST', 'The variables are too deep.')];
    return {
      schema: this.#schema,
      document: valid.document,
      variableValues: variables,
      operationName,
      options: executionOptions,
      contextValue,
      sameness,
    };
  }

  /** @returns what is subscribed to, or why it is not accepted */
  #validate(
    query: string,
    operationName: string | null | undefined,
    observation: Observation,
  ): Valid | readonly GraphQLError[] {
    let document;
    try {
      document = parse(query, parseOptions);
    } catch (syntaxError) {
      if (!(syntaxError instanceof GraphQLError)) throw syntaxError;
      return [withCode(syntaxError, 'GRAPHQL_PARSE_FAILED')];
    }
    const problems = this.#problemsOf(document);
    if (problems.length > 0) {
      return problems.map((problem) => withCode(problem, 'GRAPHQL_VALIDATION_FAILED'));
    }
    const operation = getOperationAST(document, operationName);
    if (!operation) {
      return [refusal('OPERATION_RESOLUTION_FAILURE', 'It must be said which operation is meant.')];
    }
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
      observation.identify(operation);
      return [refusal('BAD_REQUEST', 'Only subscriptions are carried this way; POST the others.')];
    }
    return { document, operation };
  }

  /**
   * What Apollo Server must not get to see: it would execute a subscription as if it were a query, and fails
   * where validation itself does.
   *
   * @returns why a request is refused that wants a single answer, if it is
   */
  refuse(given: unknown, observation: Observation): readonly GraphQLError[] | undefined {
    // Most requests are neither, and are not to be read twice.
    if (!mentionsSubscription(given)) return undefined;
    const { data } = request.safeParse(given);
    if (data === undefined) return undefined;
    const asked = JSON.stringify([data.query, data.operationName]);
    const known = this.#misplaced.get(asked);
    const misplaced = known ?? this.#misplacedIn(data.query, data.operationName);
    if (known === undefined) this.#misplaced.set(asked, misplaced);
    if (misplaced.operation) observation.identify(misplaced.operation);
    return misplaced.errors;
  }

  /** Looks only for what Apollo Server does not tell: all else is validated there. */
  #misplacedIn(query: string, operationName: string | null | undefined): Misplaced {
    let document;
    try {
      document = parse(query, parseOptions);
      // The one rule that throws, and a cheap one.
      validate(this.#schema, document, [SingleFieldSubscriptionsRule]);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return document ? { errors: [withCode(error, 'GRAPHQL_VALIDATION_FAILED')] } : {};
    }
    const operation = getOperationAST(document, operationName);
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return {};
    const message = 'Subscriptions are carried by WebSocket and by server-sent events.';
    return { operation, errors: [refusal('BAD_REQUEST', message)] };
  }

  #problemsOf(document: DocumentNode): readonly GraphQLError[] {
    try {
      const rules = [...specifiedRules, ...validationRules];
      return validate(this.#schema, document, rules, validationOptions);
    } catch (error) {
      // graphql-js evaluates the directives of a subscription's root, which may have variables.
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
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
    const shared =
      this.#shared.get(sameness) ?? new SharedExecution(accepted, this.#requestTimeout);
    this.#shared.set(sameness, shared);
    shared.subscribers += 1;
    this.#observer.answered(observation, 'OK');
    return new ResultStream(source[Symbol.asyncIterator](), shared, beganAt, (error) => {
      shared.subscribers -= 1;
      if (shared.subscribers === 0) this.#shared.delete(sameness);
      this.#observer.ended(observation, error === undefined ? 'OK' : codeOfError(error));
    });
  }

  /** A subscription, or a socket for them, was refused by other means than the answer to an HTTP request. */
  refused(observation: Observation, code: string): void {
    this.#observer.answered(observation, code);
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
    if ('data' in rest) this.#observer.resultFailed(codeOf(told));
    return { errors: told, ...rest };
  }

  tellErrors(
    errors: readonly unknown[],
    { requestId }: Pick<RequestContext, 'requestId'>,
  ): GraphQLFormattedError[] {
    const told = errors.map((error) => {
      const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error;
      if (isUnexpected(error)) this.#log.error({ requestId, err: cause });
      const raw = error instanceof GraphQLError ? error.toJSON() : { message: '' };
      return this.#format(raw, error);
    });
    return limitErrors(told).map(({ extensions, ...rest }) => ({
      ...rest,
      extensions: { ...extensions, requestId },
    }));
  }
}

/**
 * What all who subscribe to the same get of an event: computed once for those who ask at about the same time.
 * Who subscribes after an answer was given must see at least what that showed, so they get none from before.
 */
class SharedExecution {
  readonly #accepted: Accepted;
  readonly #timeout: number;
  readonly #results = new WeakMap<object, { at: number; result: Promise<ExecutionResult> }>();
  subscribers = 0;

  /** @param timeout how long a result may take, in milliseconds */
  constructor(accepted: Accepted, timeout: number) {
    this.#accepted = accepted;
    this.#timeout = timeout;
  }

  /** @param beganAt when the subscriber subscribed, by `performance.now()` */
  async of(event: unknown, beganAt: number): Promise<ExecutionResult> {
    // Whatever the feed gives is an object.
    const key = event as object;
    const now = performance.now();
    const known = this.#results.get(key);
    if (known && known.at > Math.max(beganAt, now - SHARED_FOR)) return known.result;
    // The subscription's own deadline was for beginning.
    const contextValue = { ...this.#accepted.contextValue, deadline: now + this.#timeout };
    const result = Promise.resolve(execute({ ...this.#accepted, contextValue, rootValue: key }));
    this.#results.set(key, { at: now, result });
    const { errors } = await result;
    // What failed for one may succeed for the next.
    if (errors) this.#results.delete(key);
    return result;
  }
}

/** By hand: an async generator could not be ended while it waits for an event. */
class ResultStream implements Results {
  readonly #events: AsyncIterator<unknown>;
  readonly #shared: SharedExecution;
  readonly #beganAt: number;
  #release: ((error?: unknown) => void) | undefined;

  /** @param release to be called once, when it has ended: by either side, or by an error */
  constructor(
    events: AsyncIterator<unknown>,
    shared: SharedExecution,
    beganAt: number,
    release: (error?: unknown) => void,
  ) {
    this.#events = events;
    this.#shared = shared;
    this.#beganAt = beganAt;
    this.#release = release;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    try {
      const event = await this.#events.next();
      if (event.done === true) return await this.return();
      return { done: false, value: await this.#shared.of(event.value, this.#beganAt) };
    } catch (error) {
      // Whoever iterates takes that for the end, and does not ask to end it.
      await this.#end(error);
      throw error;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#end();
    return { done: true, value: undefined };
  }

  async #end(error?: unknown): Promise<void> {
    this.#release?.(error);
    this.#release = undefined;
    await this.#events.return?.();
  }
}

function mentionsSubscription(given: unknown): boolean {
  if (typeof given !== 'object' || given === null || !('query' in given)) return false;
  return typeof given.query === 'string' && given.query.includes('subscription');
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

export function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  error.extensions['code'] = code;
  return error;
}
