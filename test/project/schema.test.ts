/** The schema for its readers: the file in the repository, the descriptions, and the playground's operations. */
import { readFileSync } from 'node:fs';
import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  printSchema,
  separateOperations,
  validate,
} from 'graphql';
import { createSchema } from 'persistent-machine/graphql/schema';
import { served } from '../../src/application';

const schema = createSchema(served.machines);

test('schema.graphql equals the schema of the code; if it does not, run npm run schema', () => {
  expect(readFileSync('schema.graphql', 'utf8').trimEnd()).toBe(printSchema(schema));
});

test.each(served.machines.map(({ lifecycle }) => lifecycle.machine.plural))(
  'the list of %s says that it cannot be followed, and which field to use instead',
  (plural) => {
    const list = schema.getQueryType()?.getFields()[plural];
    expect(list?.description).toMatch(/Do not poll it.*`\w*ransitions`/);
  },
);

interface Described {
  readonly description?: string | null | undefined;
}

/** Types, fields, arguments and values, each with its coordinate. */
function coordinatesOf(type: GraphQLNamedType): (readonly [string, Described])[] {
  if (isEnumType(type)) {
    return [
      [type.name, type],
      ...type.getValues().map((value) => [`${type.name}.${value.name}`, value] as const),
    ];
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    const fields = Object.values(type.getFields()).flatMap((field) => [
      [`${type.name}.${field.name}`, field] as const,
      ...field.args.map(
        (argument) => [`${type.name}.${field.name}(${argument.name}:)`, argument] as const,
      ),
    ]);
    return [[type.name, type], ...fields];
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    return [
      [type.name, type],
      ...fields.map((field) => [`${type.name}.${field.name}`, field] as const),
    ];
  }
  return [[type.name, type]];
}

test('every type, field, argument and enum value has a description, which is a sentence', () => {
  const coordinates = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap(coordinatesOf);
  expect(coordinates.length).toBeGreaterThan(100);
  const silent = coordinates.filter(
    ([, { description }]) => !/^[A-Z0-9`][^]*[.?!]$/.test(description ?? ''),
  );
  expect(silent.map(([coordinate]) => coordinate)).toEqual([]);
});

test('every event has a mutation, named by its verb', () => {
  const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {});
  const verbs = served.machines.flatMap(({ lifecycle: { machine } }) =>
    Object.values(machine.declaration.events).map(({ verb }) =>
      machine.bare ? verb : `${verb}${machine.name}`,
    ),
  );
  expect(mutations).toEqual(expect.arrayContaining(verbs));
});

describe('the operations of the playground', () => {
  const operations = Object.entries(
    separateOperations(parse(readFileSync('src/playground.graphql', 'utf8'))),
  );

  test.each(operations)('%s is valid', (name, document) => {
    expect(name).toMatch(/^[A-Z]/);
    expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
  });
});
