/** Errors that are thrown, because the schema has no type for them. Knows GraphQL's error codes, not HTTP. */
import { GraphQLError } from 'graphql';
import type { Names } from './names';

/** What is wrong with one argument. */
export interface FieldProblem {
  /** The argument's name, and for an item of it its index: `ids.3`. */
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

/** Thrown if the machine to follow does not exist. A subscription has no result union for it. */
export class NothingToFollow extends GraphQLError {
  constructor({ noun, notFoundCode }: Names, id: string) {
    super(`There is no ${noun} ${id}.`, { extensions: { code: notFoundCode } });
  }
}
