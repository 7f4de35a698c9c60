/**
 * What a document is weighed at, against what it is answered with: graphql-js executes it on our schema, where every
 * page and every list is as full as it can be. No document is weighed below its answer, however its sizes are given.
 */
import { readFileSync } from 'node:fs';
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

const schema: GraphQLSchema = buildSchema(readFileSync('schema.graphql', 'utf8'));

/** Whether it may be asked for where answers may have so many values at the most. */
const isAccepted = (query: string, mostValues: number): boolean =>
  validate(schema, parse(query), [costLimit(mostValues)]).length === 0;

/** What a document is weighed at, up to a bound. */
function weightOf(query: string, bound: number): number {
  let [low, high] = [0, bound];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isAccepted(query, middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** As our own: 20 unless a size is given, and none where it is out of range, or given twice. */
function sizeOf({ first, last }: Readonly<Record<string, unknown>>): number {
  if (typeof first === 'number' && typeof last === 'number') throw new Error('Both were given.');
  const size = first ?? last ?? 20;
  if (typeof size !== 'number' || size < 0 || size > 100) throw new Error('Out of range.');
  return size;
}

const listed = (type: GraphQLOutputType): boolean => isListType(getNullableType(type));

/** Everything there is, as often as it may be. */
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

/** How many objects an answer has, and values in them. */
function countOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countOf(item), 0);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + countOf(item), 1);
}

/** The document's own values, but the one that is all of them. */
function answerSizeOf(query: string, variableValues: Readonly<Record<string, unknown>>): number {
  const result = execute({
    schema,
    document: parse(query),
    rootValue: {},
    variableValues,
    fieldResolver: fullest,
    typeResolver: () => 'Dead',
  });
  // Nothing here waits.
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

const { query: queries } = fc.letrec<{ query: string; life: string; page: string }>((tie) => {
  const several = (selection: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.array(selection, { minLength: 1, maxLength: 3 }).map((each) => each.join(' '));
  const aliased = (selection: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.tuple(fc.constantFrom('', 'one: ', 'two: '), selection).map((parts) => parts.join(''));
  return {
    query: several(
      fc.oneof(
        aliased(fc.tuple(sizes, tie('page')).map(([size, page]) => `lives${size} { ${page} }`)),
        aliased(
          fc
            .tuple(ids, tie('life'))
            .map(([list, life]) => `nodes(ids: ${list}) { ... on Life { ${life} } }`),
        ),
        aliased(tie('life').map((life) => `life(id: "a") { ${life} }`)),
        fc.constantFrom('machine { states { name } transitions { event } }', '__typename'),
        fc.constant('__type(name: "a") { name }'),
        fc.constantFrom('...Query', '... on Query { ...Query }'),
      ),
    ),
    life: several(
      fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(
          'id',
          'nextEvents',
          '__typename',
          '...Life',
          'snapshot { version nextEvents }',
        ),
        aliased(
          fc
            .tuple(sizes, tie('life'))
            .map(
              ([size, life]) =>
                `history${size} { nodes { life { ${life} } } pageInfo { endCursor } }`,
            ),
        ),
        aliased(
          fc
            .tuple(sizes, tie('life'))
            .map(([size, life]) => `history${size} { edges { cursor node { life { ${life} } } } }`),
        ),
      ),
    ),
    page: several(
      fc.oneof(
        fc.constantFrom('totalCount', 'pageInfo { hasNextPage endCursor }', '...Page'),
        tie('life').map((life) => `nodes { ${life} }`),
        tie('life').map((life) => `edges { node { ${life} } }`),
      ),
    ),
  };
});

const documents = fc.record({ query: queries, size: literal }).map(
  ({ query, size }) => `
      query ($ids: [ID!]!, $small: Int, $none: Int, $usual: Int = 4) { ${query} ${'...Query '.repeat(2)} }
      fragment Query on Query { last: lives(first: ${size}) { ...Page } }
      fragment Page on LifeConnection { totalCount nodes { ...Life } }
      fragment Life on Life { version history(last: 2) { nodes { event } } }`,
);

const UNAMBIGUOUS = [OverlappingFieldsCanBeMergedRule, UniqueArgumentNamesRule];

test('no document is weighed below what it is answered with', () => {
  let answered = 0;
  fc.assert(
    fc.property(documents, (document) => {
      // One that says two things at once is refused by the specification's own rules.
      const [ambiguous] = validate(schema, parse(document), UNAMBIGUOUS);
      // What is weighed at more is refused: its answer need not be made.
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
])('a page whose size is %s lowers the weight of nothing beside it', (_name, size) => {
  const beside = `lives(first: 100) { ${inner} }`;
  const given = weightOf(`{ a: lives(first: ${size}) { ${inner} } ${beside} }`, 100_000);
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
])('a page of %s is weighed as one of the largest size', (size) => {
  const document = `query ($size: Int = 1) { lives(${size}) { ${inner} } }`;
  expect(weightOf(document, 100_000)).toBe(weightOf(`{ lives(first: 100) { ${inner} } }`, 100_000));
});

test('nodes are weighed by the list of their ids, and by the longest where it is not known', () => {
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
  const document = `{ ...F0 } ${doubling.join(' ')} fragment F100 on Query { lives(first: 0) { totalCount } }`;
  expect(validate(schema, parse(document), [limitCost])).toHaveLength(1);
});

test('introspection within aliases is weighed, too', () => {
  const types = (index: number): string =>
    `a${index}: __schema { types { fields { args { type { name } } } } }`;
  const aliases = Array.from({ length: 90 }, (_item, index) => types(index)).join(' ');
  expect(validate(schema, parse(`{ ${aliases} }`), [limitCost])).toHaveLength(1);
});
