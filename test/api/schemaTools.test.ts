/**
 * What people's tools make of a running server, which they know by introspection alone: it is schema.graphql,
 * and the documents of the recipes have the types that these say.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { diff } from '@graphql-inspector/core';
import {
  type GraphQLSchema,
  type IntrospectionQuery,
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import ts from 'typescript';
import { type TestServer, startServer } from '../harness';
import { dataOf } from './client';

let server: TestServer;
/** What codegen has written; packages are found from there as from the project. */
let folder: string;
let schema: GraphQLSchema;

beforeAll(async () => {
  server = await startServer();
  schema = buildSchema(await readFile('schema.graphql', 'utf8'));
  folder = await mkdtemp(join(tmpdir(), 'codegen-'));
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  await mkdir(join(folder, 'gql'));
  await writeFile(
    join(folder, 'codegen.json'),
    JSON.stringify({
      schema: [{ [`${server.url}/graphql`]: { specifiedByUrl: true } }],
      documents: [resolve('examples/clients/*.ts')],
      config: { scalars: { DateTime: 'string' }, enumsAsTypes: true, useTypeImports: true },
      generates: {
        'schema.graphql': { plugins: ['schema-ast'] },
        'gql/': { preset: 'client', presetConfig: { fragmentMasking: false } },
      },
    }),
  );
  await promisify(execFile)(resolve('node_modules/.bin/graphql-codegen'), [], { cwd: folder });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

test('graphql-inspector sees no change from schema.graphql, not even of a description', async () => {
  const introspection: IntrospectionQuery = await dataOf(
    server,
    getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }),
  );
  // Printed, since the inspector looks for directives in the text.
  const seen = buildSchema(printSchema(buildClientSchema(introspection)));
  expect(await diff(schema, seen)).toEqual([]);
});

test('graphql-codegen sees schema.graphql', async () => {
  const seen = buildSchema(await readFile(join(folder, 'schema.graphql'), 'utf8'));
  expect(await diff(schema, seen)).toEqual([]);
  expect(printSchema(lexicographicSortSchema(seen))).toBe(
    printSchema(lexicographicSortSchema(schema)),
  );
});

/** What the compiler says of a program beside what codegen has written. */
async function complaintsAbout(program: string): Promise<string[]> {
  const file = join(folder, 'program.ts');
  await writeFile(file, program);
  const compilation = ts.createProgram([file], {
    strict: true,
    noImplicitReturns: true,
    noEmit: true,
    skipLibCheck: true,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Preserve,
    types: [],
  });
  return ts
    .getPreEmitDiagnostics(compilation)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const EACH_OUTCOME = `
  import type { BirthMutation } from './gql/graphql';
  export function sentence(birth: NonNullable<BirthMutation['birth']>): string {
    switch (birth.__typename) {
      case 'Alive': return birth.bornAt;
      case 'IllegalTransition': return birth.life.__typename + birth.message;
      case 'LifeNotFound':
      case 'OccurredAtOutOfRange': return birth.message;
      case 'IdempotencyKeyReused': return birth.message;
    }
  }
`;

test('the types that codegen makes of a result’s union are told apart, and none may be forgotten', async () => {
  expect(await complaintsAbout(EACH_OUTCOME)).toEqual([]);
  const [forgotten] = await complaintsAbout(
    EACH_OUTCOME.replace("case 'IdempotencyKeyReused': return birth.message;", ''),
  );
  expect(forgotten).toMatch(/lacks ending return|Not all code paths/);
});

test('the types that the recipes have written by hand are those that codegen makes of their documents', async () => {
  const program = `
    import type * as ours from '${resolve('examples/clients/lives')}';
    import type * as made from './gql/graphql';
    export const life = (data: made.LifeQuery): ours.LifeData => data;
    export const lives = (data: made.LivesQuery): ours.LivesData => data;
    export const birth = (data: made.BirthMutation): ours.BirthData => data;
    export const transitions = (data: made.TransitionsSubscription): ours.TransitionsData => data;
  `;
  expect(await complaintsAbout(program)).toEqual([]);
  expect(await complaintsAbout(program.replace('LifeQuery', 'LivesQuery'))).not.toEqual([]);
});
