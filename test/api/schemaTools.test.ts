/**
 * What common tools derive from a running server by introspection alone: schema.graphql, and the types of the recipes'
 * documents.
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
/** The output of codegen. Its packages resolve as those of the project do. */
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

test('graphql-inspector sees no difference from schema.graphql, not even in a description', async () => {
  const introspection: IntrospectionQuery = await dataOf(
    server,
    getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }),
  );
  // Printed, because the inspector reads directives from the text.
  const seen = buildSchema(printSchema(buildClientSchema(introspection)));
  expect(await diff(schema, seen)).toEqual([]);
});

test('graphql-codegen reads schema.graphql from the server', async () => {
  const seen = buildSchema(await readFile(join(folder, 'schema.graphql'), 'utf8'));
  expect(await diff(schema, seen)).toEqual([]);
  expect(printSchema(lexicographicSortSchema(seen))).toBe(
    printSchema(lexicographicSortSchema(schema)),
  );
});

/** The compiler's messages for a program beside the output of codegen. */
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

test('the generated types distinguish the members of a result’s union, and a switch must handle them all', async () => {
  expect(await complaintsAbout(EACH_OUTCOME)).toEqual([]);
  const [forgotten] = await complaintsAbout(
    EACH_OUTCOME.replace("case 'IdempotencyKeyReused': return birth.message;", ''),
  );
  expect(forgotten).toMatch(/lacks ending return|Not all code paths/);
});

test('the handwritten types of the recipes equal those that codegen derives from their documents', async () => {
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
