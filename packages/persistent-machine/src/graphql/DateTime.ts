/**
 * The scalar `DateTime`: RFC 3339 with an offset, to the millisecond, in years that JavaScript and PostgreSQL both
 * hold.
 */
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { GraphQLDateTime } from 'graphql-scalars';

const EARLIEST = new Date('0001-01-01T00:00:00.000Z');
const LATEST = new Date('9999-12-31T23:59:59.999Z');

/** @param node the place of the value in the document, if it is a literal */
function parse(value: unknown, node?: ValueNode): Date {
  const nodes = node && { nodes: node };
  if (typeof value !== 'string' || !isDateTime(value)) {
    throw new GraphQLError('A DateTime must be a string like "2026-01-31T12:00:00Z".', nodes);
  }
  const date = GraphQLDateTime.parseValue(value);
  if (date < EARLIEST || date > LATEST) {
    throw new GraphQLError('A DateTime must be in the years 0001 to 9999, in UTC.', nodes);
  }
  return date;
}

/** The library's own error would not name the place in the document. */
function isDateTime(value: string): boolean {
  try {
    GraphQLDateTime.parseValue(value);
    return true;
  } catch {
    return false;
  }
}

export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description:
    'A moment, in RFC 3339 with an offset, in the years 0001 to 9999. It is cut to the millisecond. Results are in UTC.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  parseValue: (value) => parse(value),
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined, node),
  serialize: (value) => {
    if (!(value instanceof Date))
      throw new GraphQLError('A resolver must return a DateTime as a Date.');
    return value.toISOString();
  },
});
