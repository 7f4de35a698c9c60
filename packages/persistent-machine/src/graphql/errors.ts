/** Errors that are thrown, not answered as values: the schema has no place for them. Knows GraphQL's codes, not HTTP. */
import { GraphQLError } from 'graphql';
import type { Names } from './names';

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

/** There is nothing to follow. A subscription has no result union to tell it by. */
export class NothingToFollow extends GraphQLError {
  constructor({ noun, notFoundCode }: Names, id: string) {
    super(`There is no ${noun} ${id}.`, { extensions: { code: notFoundCode } });
  }
}
