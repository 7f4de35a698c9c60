/** The comparison of the schema with the released one, on folders made for the test. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'schema-changes-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly output: string;
}

async function compare(): Promise<Outcome> {
  const [tsx, script] = [resolve('node_modules/.bin/tsx'), resolve('scripts/schemaChanges.ts')];
  return new Promise((resolveWith) => {
    const child = execFile(tsx, [script], { cwd: folder }, (_error, stdout, stderr) => {
      resolveWith({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

const SCHEMA = `
  type Query { life(id: ID!): String census: Int! phase: Phase! }
  enum Phase { ALIVE DEAD }
`;

async function write(schema: string): Promise<void> {
  await writeFile(join(folder, 'schema.released.graphql'), SCHEMA);
  await writeFile(join(folder, 'schema.graphql'), schema);
}

test('a breaking change is reported, and fails', async () => {
  await write(SCHEMA.replace('census: Int!', ''));
  const { code, output } = await compare();
  expect(output).toMatch(/^Breaking: .*census/);
  expect(code).toBe(1);
});

test('a dangerous change is reported, and does not fail', async () => {
  await write(SCHEMA.replace('DEAD', 'DEAD FROZEN'));
  const { code, output } = await compare();
  expect(output).toMatch(/^Dangerous: .*FROZEN/);
  expect(output).not.toContain('Breaking: ');
  expect(code).toBe(0);
});

test('a safe change is counted', async () => {
  await write(SCHEMA.replace('census: Int!', 'census: Int! machine: String'));
  expect(await compare()).toEqual({
    code: 0,
    output:
      'Since schema.released.graphql: schema.graphql has changed in 1 place, 0 breaking, 0 dangerous.\n',
  });
});

test('a missing file is named, and fails', async () => {
  await writeFile(join(folder, 'schema.graphql'), SCHEMA);
  const { code, output } = await compare();
  expect(output).toContain('schema.released.graphql');
  expect(code).toBe(1);
});

test('the schema has no breaking change since the last release', async () => {
  for (const file of ['schema.graphql', 'schema.released.graphql']) {
    await copyFile(file, join(folder, file));
  }
  const { code, output } = await compare();
  expect(output).not.toContain('Breaking: ');
  expect(code).toBe(0);
});
