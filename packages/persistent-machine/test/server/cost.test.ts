/**
 * Compares the weight of a document with the size of its answer: graphql-js executes it on a machine's schema in which
 * every list is full. No document may weigh less than its answer.
 */
import fc from 'fast-check';
import {
  OverlappingFieldsCanBeMergedRule,
  UniqueArgumentNamesRule,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLSchema,
  buildSchema,
  execute,
  getNamedType,
  getNullableType,
  isEnumType,
  isListType,
  isScalarType,
  parse,
  validate,
} from 'graphql';
import { costLimit, limitCost } from 'persistent-machine/server/cost';

/** The schema of a door, in the form of every machine's schema. */
const schema: GraphQLSchema = buildSchema(`
  type Query {
    door(id: ID!): Door
    doors(first: Int, after: String, last: Int, before: String): DoorConnection!
    nodes(ids: [ID!]!): [Node]!
    machine: StateMachine!
  }
  interface Node { id: ID! }
  interface Door implements Node {
    id: ID!
    version: Int!
    nextEvents: [DoorEvent!]!
    snapshot(version: Int): DoorSnapshot
    history(first: Int, after: String, last: Int, before: String): DoorTransitionConnection!
  }
  type Open implements Door & Node {
    id: ID!
    version: Int!
    nextEvents: [DoorEvent!]!
    snapshot(version: Int): DoorSnapshot
    history(first: Int, after: String, last: Int, before: String): DoorTransitionConnection!
  }
  enum DoorEvent { INSTALLATION OPENING CLOSING }
  type DoorSnapshot { version: Int! nextEvents: [DoorEvent!]! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type DoorConnection { totalCount: Int! nodes: [Door!]! edges: [DoorEdge!]! pageInfo: PageInfo! }
  type DoorEdge { cursor: String! node: Door! }
  type DoorTransition { door: Door! event: DoorEvent! version: Int! }
  type DoorTransitionConnection {
    nodes: [DoorTransition!]!
    edges: [DoorTransitionEdge!]!
    pageInfo: PageInfo!
  }
  type DoorTransitionEdge { cursor: String! node: DoorTransition! }
  type StateMachine { states: [StateInfo!]! transitions: [TransitionInfo!]! }
  type StateInfo { name: String! }
  type TransitionInfo { event: DoorEvent! }
`);

/** Whether the limit accepts a document where an answer may have at most so many values. */
const isAccepted = (query: string, mostValues: number): boolean =>
  validate(schema, parse(query), [costLimit(mostValues)]).length === 0;

/** The weight of a document, up to a bound. */
function weightOf(query: string, bound: number): number {
  let [low, high] = [0, bound];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isAccepted(query, middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The size of a page as the engine reads it: 20 by default; an error where it is out of range or given twice. */
function sizeOf({ first, last }: Readonly<Record<string, unknown>>): number {
  if (typeof first === 'number' && typeof last === 'number') throw new Error('Both were given.');
  const size = first ?? last ?? 20;
  if (typeof size !== 'number' || size < 0 || size > 100) throw new Error('Out of range.');
  return size;
}

const listed = (type: GraphQLOutputType): boolean => isListType(getNullableType(type));

/** Resolves every field, with as many items as a list may have. */
const fullest: GraphQLFieldResolver<
  { readonly size?: number },
  unknown,
  { readonly ids?: readonly unknown[] }
> = (source, given, _context, { returnType, parentType }) => {
  const type = getNamedType(returnType);
  if (type.name.endsWith('Connection')) return { size: sizeOf(given) };
  const value = isEnumType(type)
    ? type.getValues()[0]?.value
    : isScalarType(type)
      ? ({ Int: 1, Boolean: true }[type.name] ?? 'text')
      : {};
  if (!listed(returnType)) return value;
  const number = parentType.name.endsWith('Connection')
    ? source.size
    : isEnumType(type)
      ? type.getValues().length
      : (given.ids?.length ?? 7);
  return Array<unknown>(number ?? 0).fill(value);
};

/** The number of an answer's objects and of the values in them. */
function countOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countOf(item), 0);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + countOf(item), 1);
}

/** The number of an answer's objects and values, without the root object. */
function answerSizeOf(query: string, variableValues: Readonly<Record<string, unknown>>): number {
  const result = execute({
    schema,
    document: parse(query),
    rootValue: {},
    variableValues,
    fieldResolver: fullest,
    typeResolver: () => 'Open',
  });
  // No resolver here is asynchronous.
  const { data } = result as { data?: unknown };
  return data === null || data === undefined ? 0 : countOf(data) - 1;
}

const literal = fc.constantFrom(
  ...[
    '-2147483648',
    '-9007199254740993',
    '-1',
    '0',
    '1',
    '2',
    '3',
    '5',
    '100',
    '101',
    '2147483647',
  ],
  ...['2e0', '-1e9', '"5"', 'null', 'ALL', '$small', '$none', '$usual', '[1]'],
);
const sizes = fc
  .array(fc.tuple(fc.constantFrom('first', 'last', 'after'), literal), { maxLength: 3 })
  .map((given) =>
    given.length === 0 ? '' : `(${given.map(([name, value]) => `${name}: ${value}`).join(', ')})`,
  );
const ids = fc.oneof(
  fc.nat({ max: 9 }).map((number) => `[${Array(number).fill('"a"').join(', ')}]`),
  fc.constantFrom('$ids', '"a"', 'null'),
);

const { query: queries } = fc.letrec<{ query: string; door: string; page: string }>((tie) => {
  const several = (selection: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.array(selection, { minLength: 1, maxLength: 3 }).map((each) => each.join(' '));
  const aliased = (selection: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.tuple(fc.constantFrom('', 'one: ', 'two: '), selection).map((parts) => parts.join(''));
  return {
    query: several(
      fc.oneof(
        aliased(fc.tuple(sizes, tie('page')).map(([size, page]) => `doors${size} { ${page} }`)),
        aliased(
          fc
            .tuple(ids, tie('door'))
            .map(([list, door]) => `nodes(ids: ${list}) { ... on Door { ${door} } }`),
        ),
        aliased(tie('door').map((door) => `door(id: "a") { ${door} }`)),
        fc.constantFrom('machine { states { name } transitions { event } }', '__typename'),
        fc.constant('__type(name: "a") { name }'),
        fc.constantFrom('...Query', '... on Query { ...Query }'),
      ),
    ),
    door: several(
      fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(
          'id',
          'nextEvents',
          '__typename',
          '...Door',
          'snapshot { version nextEvents }',
        ),
        aliased(
          fc
            .tuple(sizes, tie('door'))
            .map(
              ([size, door]) =>
                `history${size} { nodes { door { ${door} } } pageInfo { endCursor } }`,
            ),
        ),
        aliased(
          fc
            .tuple(sizes, tie('door'))
            .map(([size, door]) => `history${size} { edges { cursor node { door { ${door} } } } }`),
        ),
      ),
    ),
    page: several(
      fc.oneof(
        fc.constantFrom('totalCount', 'pageInfo { hasNextPage endCursor }', '...Page'),
        tie('door').map((door) => `nodes { ${door} }`),
        tie('door').map((door) => `edges { node { ${door} } }`),
      ),
    ),
  };
});

const documents = fc.record({ query: queries, size: literal }).map(
  ({ query, size }) => `
      query ($ids: [ID!]!, $small: Int, $none: Int, $usual: Int = 4) { ${query} ${'...Query '.repeat(2)} }
      fragment Query on Query { last: doors(first: ${size}) { ...Page } }
      fragment Page on DoorConnection { totalCount nodes { ...Door } }
      fragment Door on Door { version history(last: 2) { nodes { event } } }`,
);

const UNAMBIGUOUS = [OverlappingFieldsCanBeMergedRule, UniqueArgumentNamesRule];

test('no document weighs less than its answer', () => {
  let answered = 0;
  fc.assert(
    fc.property(documents, (document) => {
      // The specification's own rules refuse an ambiguous document.
      const [ambiguous] = validate(schema, parse(document), UNAMBIGUOUS);
      // The limit refuses a heavier document, so its answer need not be made.
      if (ambiguous || !isAccepted(document, 50_000)) return;
      const size = answerSizeOf(document, { ids: ['a', 'a', 'a'], small: 3, none: null });
      if (size === 0) return;
      answered += 1;
      expect(isAccepted(document, size - 1)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
  expect(answered).toBeGreaterThan(100);
});

const inner = 'nodes { id history(first: 100) { nodes { id: version } } }';

test.each([
  ['the least number', '-2147483648'],
  ['a number that no integer of the machine holds', '-99999999999999999999999999999999'],
  ['minus one', '-1'],
  ['nought', '0'],
])('a page whose size is %s does not lower the weight of the fields beside it', (_name, size) => {
  const beside = `doors(first: 100) { ${inner} }`;
  const given = weightOf(`{ a: doors(first: ${size}) { ${inner} } ${beside} }`, 100_000);
  expect(given).toBeGreaterThan(weightOf(`{ ${beside} }`, 100_000));
});

test.each([
  'first: 100',
  'last: 100',
  'first: 101',
  'first: 2147483647',
  'first: 1e2',
  'first: "100"',
  'first: $size',
  'last: $size',
  'first: 1, last: 100',
  'first: 1, first: 100',
  'first: null, last: $size',
  'last: 0, first: $size',
])('a page of %s weighs as much as one of the largest size', (size) => {
  const document = `query ($size: Int = 1) { doors(${size}) { ${inner} } }`;
  expect(weightOf(document, 100_000)).toBe(weightOf(`{ doors(first: 100) { ${inner} } }`, 100_000));
});

test('nodes are weighed by their list of ids, or by the longest list where theirs is not known', () => {
  const weigh = (list: string): number =>
    weightOf(`query ($ids: [ID!]!, $id: ID!) { nodes(ids: ${list}) { id } }`, 100_000);
  expect(weigh('[]')).toBe(2);
  expect(weigh('["a"]')).toBe(2);
  expect(weigh('["a", $id, "c"]')).toBe(6);
  expect(weigh('$ids')).toBe(200);
  expect(weigh('"a"')).toBe(200);
});

test('fragments that double one another a hundred times are weighed in one walk, and refused', () => {
  const doubling = Array.from(
    { length: 100 },
    (_item, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
  );
  const document = `{ ...F0 } ${doubling.join(' ')} fragment F100 on Query { doors(first: 0) { totalCount } }`;
  expect(validate(schema, parse(document), [limitCost])).toHaveLength(1);
});

test('introspection within aliases is weighed, too', () => {
  const types = (index: number): string =>
    `a${index}: __schema { types { fields { args { type { name } } } } }`;
  const aliases = Array.from({ length: 90 }, (_item, index) => types(index)).join(' ');
  expect(validate(schema, parse(`{ ${aliases} }`), [limitCost])).toHaveLength(1);
});
