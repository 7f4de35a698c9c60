/**
 * Documents with subscriptions: parses and validates each once, and finds those that were sent by a transport without
 * subscriptions. Does not know the client.
 */
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  SingleFieldSubscriptionsRule,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { parseOptions, validationOptions, validationRules } from './documents';

/** An operation of a valid document. */
interface Valid {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** What is cached for a document that was sent as a request with a single answer. */
interface Misplaced {
  /** The subscription, if the document asks for one. */
  readonly operation?: OperationDefinitionNode;
  /** Why it is refused, if it is. */
  readonly errors?: readonly GraphQLError[];
}

/** A refused document. */
interface Invalid {
  readonly errors: readonly GraphQLError[];
  /** The operation, if it is known. */
  readonly operation?: OperationDefinitionNode;
}

/**
 * The bounds of each cache, in documents and in characters. Clients of one kind all send the same document; its
 * parsed form takes a hundred times the memory of its text.
 */
const MOST_REMEMBERED = 200;
const LONGEST_REMEMBERED = 200_000;

/** A cache of results, by the text and the operation's name. */
function memory<T extends object>(): LRUCache<string, T> {
  return new LRUCache({
    max: MOST_REMEMBERED,
    maxSize: LONGEST_REMEMBERED,
    sizeCalculation: (_remembered, asked) => asked.length,
  });
}

/** A GraphQL request, over any transport. */
export const graphQLRequest = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

type Asked = Pick<z.infer<typeof graphQLRequest>, 'query' | 'operationName'>;

export class SubscriptionDocuments {
  readonly #schema: GraphQLSchema;
  /** Saves a parse and a validation for each client when all reconnect at once after a restart. */
  readonly #valid = memory<Valid>();
  readonly #misplaced = memory<Misplaced>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** @returns the subscription, or why the document is refused */
  read(asked: Asked): Valid | Invalid {
    const key = keyOf(asked);
    const known = this.#valid.get(key);
    const read = known ?? this.#validate(asked);
    if (known === undefined && 'document' in read) this.#valid.set(key, read);
    return read;
  }

  /**
   * Finds what Apollo Server must not see: it would execute a subscription as a query, and it fails on a document on
   * which validation throws.
   *
   * @param given the body of a request that expects a single answer
   */
  misplaced(given: unknown): Misplaced {
    // Spares most requests a second parse.
    if (!mentionsSubscription(given)) return NOT_MISPLACED;
    const { data } = graphQLRequest.safeParse(given);
    if (data === undefined) return NOT_MISPLACED;
    const key = keyOf(data);
    const known = this.#misplaced.get(key);
    if (known !== undefined) return known;
    const misplaced = this.#misplacedIn(data);
    this.#misplaced.set(key, misplaced);
    return misplaced;
  }

  #validate({ query, operationName }: Asked): Valid | Invalid {
    let document;
    try {
      document = parse(query, parseOptions);
    } catch (syntaxError) {
      if (!(syntaxError instanceof GraphQLError)) throw syntaxError;
      return { errors: [withCode(syntaxError, 'GRAPHQL_PARSE_FAILED')] };
    }
    const problems = this.#problemsOf(document);
    if (problems.length > 0) {
      return { errors: problems.map((each) => withCode(each, 'GRAPHQL_VALIDATION_FAILED')) };
    }
    const operation = getOperationAST(document, operationName);
    if (!operation) {
      const message = 'Name one operation of the document in operationName.';
      return { errors: [refusal('OPERATION_RESOLUTION_FAILURE', message)] };
    }
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
      const message = 'Only subscriptions are served this way. Send queries and mutations by POST.';
      return { operation, errors: [refusal('BAD_REQUEST', message)] };
    }
    return { document, operation };
  }

  #problemsOf(document: DocumentNode): readonly GraphQLError[] {
    try {
      const rules = [...specifiedRules, ...validationRules];
      return validate(this.#schema, document, rules, validationOptions);
    } catch (error) {
      // To validate a subscription, graphql-js evaluates the directives at its root, and throws for a variable.
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
  }

  /** Checks only what Apollo Server does not check itself. */
  #misplacedIn({ query, operationName }: Asked): Misplaced {
    let document;
    try {
      document = parse(query, parseOptions);
      // The only rule that throws.
      validate(this.#schema, document, [SingleFieldSubscriptionsRule]);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return document ? { errors: [withCode(error, 'GRAPHQL_VALIDATION_FAILED')] } : NOT_MISPLACED;
    }
    const operation = getOperationAST(document, operationName);
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return NOT_MISPLACED;
    const message =
      'Send a subscription over a WebSocket, or with Accept: text/event-stream as server-sent events.';
    return { operation, errors: [refusal('BAD_REQUEST', message)] };
  }
}

const NOT_MISPLACED: Misplaced = {};

export function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

export function withCode(error: GraphQLError, code: string): GraphQLError {
  error.extensions['code'] = code;
  return error;
}

/** The key of a request in the cache. */
export function keyOf({ query, operationName }: Asked): string {
  return JSON.stringify([query, operationName]);
}

function mentionsSubscription(given: unknown): boolean {
  if (typeof given !== 'object' || given === null || !('query' in given)) return false;
  return typeof given.query === 'string' && given.query.includes('subscription');
}
