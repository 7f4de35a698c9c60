/**
 * What went wrong on the way to an answer: whether to try again, and what to tell a person. Knows the codes of
 * the API's errors, and none of its operations.
 */
import { CombinedGraphQLErrors, ServerError, ServerParseError } from '@apollo/client/errors';
import type { GraphQLFormattedError } from 'graphql';
import { CloseCode } from 'graphql-ws';

/** A subscription was refused, or ended with errors. */
export class SubscriptionRefused extends Error {
  override readonly name = 'SubscriptionRefused';
  readonly errors: readonly GraphQLFormattedError[];

  constructor(errors: readonly GraphQLFormattedError[]) {
    super(errors[0]?.message ?? 'The subscription was refused.');
    this.errors = errors;
  }
}

/** Of a change that failed so, nothing was applied, or the same again finds out whether it was. */
const PASSING = new Set(['OVERLOADED', 'DATABASE_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'LAGGED']);

/** They say what happened. What is done about it is said where it is done. */
const SENTENCES: Readonly<Record<string, string>> = {
  OVERLOADED: 'The server is too busy. It changed nothing.',
  DATABASE_UNAVAILABLE: 'The server cannot reach its database. It changed nothing.',
  OUTCOME_UNKNOWN:
    'The server lost its database before it could learn whether this was done. To send it again finds out, and does it once.',
  UNAUTHENTICATED: 'A valid token is needed.',
  INTERNAL_SERVER_ERROR: 'Something went wrong in the server. Its log says more.',
};

/** Whether the same again may succeed. */
export function isPassing(error: unknown): boolean {
  if (isUnauthorized(error)) return false;
  if (ServerError.is(error)) return error.statusCode >= 500;
  if (ServerParseError.is(error)) return error.statusCode >= 500;
  const codes = errorsIn(error).map(codeOf);
  // With no answer at all it is the network.
  return codes.length === 0 || codes.some((code) => PASSING.has(code));
}

/** Whether the server wants another token. */
export function isUnauthorized(error: unknown): boolean {
  if (ServerError.is(error)) return error.statusCode === 401;
  return hasCloseCode(error, CloseCode.Unauthorized);
}

/** @returns how long the server asks to be left alone, in milliseconds */
export function retryAfter(error: unknown): number {
  if (!ServerError.is(error)) return 0;
  return (Number(error.response.headers.get('retry-after')) || 0) * 1_000;
}

/** Whether an error has a code among its own. */
export function hasCode(error: unknown, code: string): boolean {
  return errorsIn(error).some((each) => codeOf(each) === code);
}

/** @returns a sentence for a person */
export function sentenceOf(error: unknown): string {
  const [first] = errorsIn(error);
  if (first === undefined) return 'The server cannot be reached. Is it running?';
  const problems = Object.entries(problemsIn(error))
    .map(([path, problem]) => `“${path}” ${problem}`)
    .join(' ');
  return SENTENCES[codeOf(first)] ?? (problems || first.message);
}

/** @returns what is wrong with what was sent: sentences, by the path of the argument that they are about */
export function problemsIn(error: unknown): Readonly<Record<string, string>> {
  const problems: Record<string, string> = {};
  for (const { extensions } of errorsIn(error)) {
    const fields = (extensions?.['fields'] ?? []) as readonly { path: string; message: string }[];
    for (const { path, message } of fields) {
      problems[path] = problems[path] === undefined ? message : `${problems[path]} ${message}`;
    }
  }
  return problems;
}

function errorsIn(error: unknown): readonly GraphQLFormattedError[] {
  if (CombinedGraphQLErrors.is(error)) return error.errors;
  if (error instanceof SubscriptionRefused) return error.errors;
  if (!ServerError.is(error)) return [];
  try {
    return (JSON.parse(error.bodyText) as { errors: GraphQLFormattedError[] }).errors;
  } catch {
    // A proxy before the server answered in its place.
    return [];
  }
}

function codeOf({ extensions }: GraphQLFormattedError): string {
  return String(extensions?.['code']);
}

function hasCloseCode(error: unknown, code: number): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
