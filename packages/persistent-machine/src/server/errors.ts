/**
 * Maps every thrown error to what the client sees: a code, and a sentence that leaks nothing. Knows GraphQL's errors
 * and the database's failures, not the transports.
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

/** Failures that a client should know, and after which it may retry. */
const FAILURES = [
  {
    type: DatabaseUnavailable,
    code: 'DATABASE_UNAVAILABLE',
    message: 'The database cannot be used right now. Nothing was changed.',
  },
  {
    // Only a read throws it: for a change, the store throws OutcomeUnknown instead.
    type: ConnectionLost,
    code: 'DATABASE_UNAVAILABLE',
    message: 'The connection to the database was lost. Nothing was changed.',
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
      'The connection to the database was lost, and the change may have been made. To retry safely, send the same request with the arguments in the extensions.',
  },
  {
    type: Lagged,
    code: 'LAGGED',
    message: 'This subscriber fell too far behind. Subscribe again after its last cursor.',
  },
  {
    type: FeedRewound,
    code: 'FEED_REWOUND',
    message:
      'The database was set back to an earlier time, and the transition of this cursor is gone. Discard what you have read, query `census`, and continue after its cursor.',
  },
] as const;

/** graphql-js's last error about variables, if there are too many. It has neither a code nor a place. */
const MORE_IS_WRONG =
  'Too many errors processing variables, error limit reached. Execution aborted.';

const MASKED = { code: 'INTERNAL_SERVER_ERROR', message: 'Something went wrong on our side.' };

function failureOf(error: unknown): (typeof FAILURES)[number] | undefined {
  return FAILURES.find(({ type }) => error instanceof type);
}

/**
 * Finds the error that was thrown. `unwrapResolverError` unwraps errors with a path. graphql-ws wraps the end of a
 * subscription without one, but graphql-js does so for an error in a variable, which must stay wrapped.
 */
function causeOf(error: unknown): unknown {
  const { originalError } = error instanceof GraphQLError ? error : {};
  return failureOf(originalError) ? originalError : unwrapResolverError(error);
}

/**
 * Whether an error must be logged and masked. An error of GraphQL itself without a code is about a value of the
 * server that the schema cannot hold.
 */
export function isUnexpected(error: unknown): boolean {
  const cause = causeOf(error);
  if (cause instanceof GraphQLError) {
    return cause.extensions['code'] === undefined && cause.message !== MORE_IS_WRONG;
  }
  return failureOf(cause) === undefined;
}

/**
 * @param formatted the error as Apollo Server would send it
 * @param error the error as it was thrown
 * @returns the error as the client sees it
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
 * The same for a server without introspection: hides the names that graphql-js suggests, and the name of the library
 * that refuses introspection.
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

/** @returns the code and the message of a failure */
export function describeFailure(failure: Error): {
  readonly code: string;
  readonly message: string;
} {
  return failureOf(failure) ?? MASKED;
}

/** The code of the first error; `OK` if there is none. */
export function codeOf(errors: readonly GraphQLFormattedError[] = []): string {
  const [first] = errors;
  return first ? String(first.extensions?.['code']) : 'OK';
}

/** The code that a client sees for an error. */
export function codeOfError(error: unknown): string {
  const raw = error instanceof GraphQLError ? error.toJSON() : { message: '' };
  return codeOf([formatError(raw, error)]);
}

/** Whether a code says that the server or the database failed, and not the client. */
export function isFailure(code: string): boolean {
  return [...FAILURES, MASKED].some((each) => each.code === code);
}

type ErrorFormatter = typeof formatError;

/** @returns the formatter of errors, for a server with or without introspection */
export function formatterOf({
  introspection,
}: {
  readonly introspection: boolean;
}): ErrorFormatter {
  const format = introspection ? formatError : formatErrorTersely;
  return (formatted, error) => shortened(format(formatted, error));
}

/** graphql-js names an invalid variable by the node of its definition. */
function problemsOf(error: unknown): FieldProblem[] {
  if (!(error instanceof GraphQLError)) return [];
  return (error.nodes ?? []).flatMap((node) =>
    node.kind === Kind.VARIABLE_DEFINITION
      ? [{ path: node.variable.name.value, message: error.message }]
      : [],
  );
}
