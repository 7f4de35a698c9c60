/**
 * Bounds the number and the length of errors, which repeat what the client sent. Does not know their meaning.
 */
import type { GraphQLFormattedError } from 'graphql';
import type { FieldProblem } from '../graphql/errors';

/** How many errors an answer shows in full, and how many problems one error shows. */
export const MOST_ERRORS = 10;

/** The most characters of a message. */
const LONGEST_MESSAGE = 300;

/** Shortens an error's message, its locations and its list of fields. */
export function shortened(error: GraphQLFormattedError): GraphQLFormattedError {
  const { message, locations, extensions } = error;
  // `formatError` in `errors.ts` wrote it.
  const fields = extensions?.['fields'] as readonly FieldProblem[] | undefined;
  return {
    ...error,
    message: shortenedMessage(message),
    ...(locations ? { locations: locations.slice(0, MOST_ERRORS) } : {}),
    ...(fields
      ? {
          extensions: { ...extensions, fields: fields.slice(0, MOST_ERRORS).map(shortenedProblem) },
        }
      : {}),
  };
}

function shortenedProblem({ path, message }: FieldProblem): FieldProblem {
  return { path, message: shortenedMessage(message) };
}

/** Cuts the middle out of a long message, which begins with what is wrong, and often ends with what was expected. */
export function shortenedMessage(message: string): string {
  const half = LONGEST_MESSAGE / 2;
  return message.length <= LONGEST_MESSAGE
    ? message
    : // The cuts may have split surrogate pairs.
      `${message.slice(0, half)} … ${message.slice(-half)}`.replaceAll(/\p{Cs}/gu, '');
}

/**
 * Bounds the errors of one answer. Beyond `MOST_ERRORS` it keeps only the errors of root fields, without details: the
 * client must learn the outcome of every mutation, and the limits of a document bound their number. There can be as
 * many other errors as an answer has values.
 */
export function limitErrors(
  errors: readonly GraphQLFormattedError[],
): readonly GraphQLFormattedError[] {
  if (errors.length <= MOST_ERRORS + 1) return errors;
  const shown = errors.slice(0, MOST_ERRORS);
  const others = errors.slice(MOST_ERRORS);
  const ofRoots = others.filter(({ path }) => path?.length === 1);
  for (const error of ofRoots) {
    shown.push({ ...error, extensions: { ...error.extensions, fields: undefined } });
  }
  const first = others.find(({ path }) => path?.length !== 1);
  if (first === undefined) return shown;
  const message = `${others.length - ofRoots.length} more errors are not shown.`;
  return [...shown, { message, extensions: { code: first.extensions?.['code'] } }];
}
