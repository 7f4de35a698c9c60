/**
 * The documents that ask for subscriptions: which of them are right, and which were sent where no subscription goes.
 * What was sent is parsed and validated once, and remembered. Does not know who asks.
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

/** Why a document is refused. */
interface Invalid {
  readonly errors: readonly GraphQLError[];
  /** What it asks for, if that is known. */
  readonly operation?: OperationDefinitionNode;
}

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

/** What a client sends, however it is sent. */
export const graphQLRequest = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

type Asked = Pick<z.infer<typeof graphQLRequest>, 'query' | 'operationName'>;

export class SubscriptionDocuments {
  readonly #schema: GraphQLSchema;
  /** Clients who come back all at once, after a restart, do not each have their document parsed and validated anew. */
  readonly #valid = memory<Valid>();
  readonly #misplaced = memory<Misplaced>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** @returns the subscription that is asked for, or why it is refused */
  read(asked: Asked): Valid | Invalid {
    const key = keyOf(asked);
    const known = this.#valid.get(key);
    const read = known ?? this.#validate(asked);
    if (known === undefined && 'document' in read) this.#valid.set(key, read);
    return read;
  }

  /**
   * What Apollo Server must not get to see: it would execute a subscription as if it were a query, and fails
   * where validation itself does.
   *
   * @param given as a client sent it where a single answer goes
   */
  misplaced(given: unknown): Misplaced {
    // Most requests are neither, and are not to be read twice.
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
      const message = 'It must be said which operation is meant.';
      return { errors: [refusal('OPERATION_RESOLUTION_FAILURE', message)] };
    }
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
      const message = 'Only subscriptions are carried this way; POST the others.';
      return { operation, errors: [refusal('BAD_REQUEST', message)] };
    }
    return { document, operation };
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

  /** Looks only for what Apollo Server does not tell: all else is validated there. */
  #misplacedIn({ query, operationName }: Asked): Misplaced {
    let document;
    try {
      document = parse(query, parseOptions);
      // The one rule that throws, and a cheap one.
      validate(this.#schema, document, [SingleFieldSubscriptionsRule]);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return document ? { errors: [withCode(error, 'GRAPHQL_VALIDATION_FAILED')] } : NOT_MISPLACED;
    }
    const operation = getOperationAST(document, operationName);
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return NOT_MISPLACED;
    const message = 'Subscriptions are carried by WebSocket and by server-sent events.';
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

/** The same for what is read once. */
export function keyOf({ query, operationName }: Asked): string {
  return JSON.stringify([query, operationName]);
}

function mentionsSubscription(given: unknown): boolean {
  if (typeof given !== 'object' || given === null || !('query' in given)) return false;
  return typeof given.query === 'string' && given.query.includes('subscription');
}
