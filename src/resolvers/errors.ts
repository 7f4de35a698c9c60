/** The error for input that the schema lets pass and the contract does not. Knows GraphQL's codes, not HTTP. */
import { GraphQLError } from 'graphql';

/** What is wrong with one argument. */
export interface FieldProblem {
  /** The argument's name; for a part of it, with dots: `ids.3`. */
  readonly path: string;
  readonly message: string;
}

export class BadUserInput extends GraphQLError {
  constructor(fields: readonly FieldProblem[]) {
    super(fields.map(({ path, message }) => `${path}: ${message}`).join(' '), {
      extensions: { code: 'BAD_USER_INPUT', fields },
    });
  }
}
