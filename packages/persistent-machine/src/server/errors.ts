/**
 * The one table from what was thrown to what a client is told: a code, and a sentence that leaks nothing.
 * Knows GraphQL's errors and the database's failures, not how they travel.
 */
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError, Kind } from 'graphql';
import {
  ConnectionLost,
  DatabaseUnavailable,
  OutcomeUnknown,
  Overloaded,
} from '../database/failures';
import { FeedRewound, Lagged } from '../feed/errors';
import type { FieldProblem } from '../graphql/errors';
import { shortened } from './errorSizes';

/** Failures that a client should know of, and may retry after. */
const FAILURES = [
  {
    type: DatabaseUnavailable,
    code: 'DATABASE_UNAVAILABLE',
    message: 'The database cannot be used right now. Nothing was changed.',
  },
  {
    // Of a read; the store lets none of a change's pass.
    type: ConnectionLost,
    code: 'DATABASE_UNAVAILABLE',
    message: 'The database was lost before it answered. Nothing was changed.',
  },
  {
    type: Overloaded,
    code: 'OVERLOADED',
    message: 'The server is too busy. Nothing was changed; try again later.',
  },
  {
    type: OutcomeUnknown,
    code: 'OUTCOME_UNKNOWN',
    message:
      'The database was lost before it answered. To retry safely, send the same again with what the extensions say.',
  },
  {
    type: Lagged,
    code: 'LAGGED',
    message: 'This subscriber stayed away for too long. Subscribe again after the last cursor.',
  },
  {
    type: FeedRewound,
    code: 'FEED_REWOUND',
    message:
      'The database was set back, and what this cursor names is not there any more. Forget what came after it: read `census` and begin anew from its cursor.',
  },
] as const;

/** What graphql-js says last where more is wrong with the variables than it tells: without a code, or a place. */
const MORE_IS_WRONG =
  'Too many errors processing variables, error limit reached. Execution aborted.';

const MASKED = { code: 'INTERNAL_SERVER_ERROR', message: 'Something went wrong on our side.' };

function failureOf(error: unknown): (typeof FAILURES)[number] | undefined {
  return FAILURES.find(({ type }) => error instanceof type);
}

/**
 * What was thrown. A resolver's error is known by its path; graphql-ws wraps what ended a subscription without one,
 * as graphql-js does what it says of a variable, which is not to be unwrapped.
 */
function causeOf(error: unknown): unknown {
  const { originalError } = error instanceof GraphQLError ? error : {};
  return failureOf(originalError) ? originalError : unwrapResolverError(error);
}

/**
 * Whether nobody expected this: it is to be logged, and masked. An error of GraphQL itself that has no code is
 * about a value of ours that the schema cannot hold.
 */
export function isUnexpected(error: unknown): boolean {
  const cause = causeOf(error);
  if (cause instanceof GraphQLError) {
    return cause.extensions['code'] === undefined && cause.message !== MORE_IS_WRONG;
  }
  return failureOf(cause) === undefined;
}

/**
 * What a client is told of an error.
 *
 * @param formatted as Apollo Server would answer it
 * @param error as it was thrown
 */
function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const cause = causeOf(error);
  const failure = failureOf(cause);
  if (failure || isUnexpected(error)) {
    const { code, message } = failure ?? MASKED;
    const retryWith = cause instanceof OutcomeUnknown ? cause.retryWith : {};
    return { ...formatted, message, extensions: { code, ...retryWith } };
  }
  if (formatted.message === MORE_IS_WRONG) {
    return { ...formatted, extensions: { code: 'BAD_USER_INPUT', fields: [] } };
  }
  const { code, fields = problemsOf(error) } = formatted.extensions ?? {};
  return code === 'BAD_USER_INPUT'
    ? { ...formatted, extensions: { code, fields } }
    : { ...formatted, extensions: { code } };
}

/**
 * The same, for a server that keeps its schema to itself: without the names that graphql-js suggests, and
 * without the name of the library that refuses introspection.
 */
function formatErrorTersely(
  formatted: GraphQLFormattedError,
  error: unknown,
): GraphQLFormattedError {
  const terse = (message: string): string => message.replace(/ ?Did you mean .*$/s, '');
  if (formatted.extensions?.['validationErrorCode'] === 'INTROSPECTION_DISABLED') {
    const { code } = formatted.extensions;
    return { ...formatted, message: 'Introspection is switched off.', extensions: { code } };
  }
  const { message, extensions = {}, ...rest } = formatError(formatted, error);
  const fields = problemsOf(error).map((problem) => ({
    ...problem,
    message: terse(problem.message),
  }));
  return {
    ...rest,
    message: terse(message),
    extensions: fields.length > 0 ? { ...extensions, fields } : extensions,
  };
}

/** What a client is told of one of the failures above. */
export function tellFailure(failure: Error): { readonly code: string; readonly message: string } {
  return failureOf(failure) ?? MASKED;
}

/** The code of the first error, as it is counted; `OK` where there is none. */
export function codeOf(errors: readonly GraphQLFormattedError[] = []): string {
  const [first] = errors;
  return first ? String(first.extensions?.['code']) : 'OK';
}

/** The code that is told of an error. */
export function codeOfError(error: unknown): string {
  const raw = error instanceof GraphQLError ? error.toJSON() : { message: '' };
  return codeOf([formatError(raw, error)]);
}

/** Whether a code says that we or the database failed, and not that whoever asked did. */
export function isFailure(code: string): boolean {
  return [...FAILURES, MASKED].some((each) => each.code === code);
}

type ErrorFormatter = typeof formatError;

/** How errors are told by a server that shows its schema, or keeps it to itself. */
export function formatterOf({
  introspection,
}: {
  readonly introspection: boolean;
}): ErrorFormatter {
  const format = introspection ? formatError : formatErrorTersely;
  return (formatted, error) => shortened(format(formatted, error));
}

/** graphql-js says which variable it could not take by the node of its definition. */
function problemsOf(error: unknown): FieldProblem[] {
  if (!(error instanceof GraphQLError)) return [];
  return (error.nodes ?? []).flatMap((node) =>
    node.kind === Kind.VARIABLE_DEFINITION
      ? [{ path: node.variable.name.value, message: error.message }]
      : [],
  );
}
