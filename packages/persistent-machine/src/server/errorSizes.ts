/**
 * How much is told of what is wrong, however much there is: what a client sent can be of any length, and errors repeat it.
 * Does not know what the errors are about.
 */
import type { GraphQLFormattedError } from 'graphql';
import type { FieldProblem } from '../graphql/errors';

/** How many errors are told in full, what is wrong with variables among them, and how many problems of one error. */
export const MOST_ERRORS = 10;

/** The most characters of a message; what a client sent, and a message repeats, can be of any length. */
const LONGEST_MESSAGE = 300;

/** However long the names, values and lists are that it is about. */
export function shortened(error: GraphQLFormattedError): GraphQLFormattedError {
  const { message, locations, extensions } = error;
  // From the two formatters above, which are the only ones who put it there.
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

/** Without its middle, if it is too long: it begins with what is wrong, and often ends with what was expected. */
export function shortenedMessage(message: string): string {
  const half = LONGEST_MESSAGE / 2;
  return message.length <= LONGEST_MESSAGE
    ? message
    : // A character may have been cut in two.
      `${message.slice(0, half)} … ${message.slice(-half)}`.replaceAll(/\p{Cs}/gu, '');
}

/**
 * The errors of one answer. Beyond `MOST_ERRORS` only those of root fields are told, without details: each may be of
 * a change, of which its client must know what became of it, and a document's limits bound their number. Others can
 * be as many as an answer has values.
 */
export function limitErrors(
  errors: readonly GraphQLFormattedError[],
): readonly GraphQLFormattedError[] {
  if (errors.length <= MOST_ERRORS + 1) return errors;
  const told = errors.slice(0, MOST_ERRORS);
  const others = errors.slice(MOST_ERRORS);
  const ofRoots = others.filter(({ path }) => path?.length === 1);
  for (const error of ofRoots) {
    told.push({ ...error, extensions: { ...error.extensions, fields: undefined } });
  }
  const first = others.find(({ path }) => path?.length !== 1);
  if (first === undefined) return told;
  const message = `${others.length - ofRoots.length} more errors are not told.`;
  return [...told, { message, extensions: { code: first.extensions?.['code'] } }];
}
