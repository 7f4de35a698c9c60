/** The comparison of the schema with that of the last tag, run on repositories that are made for it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

let repository: string;

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'schema-changes-'));
});

afterEach(async () => {
  await rm(repository, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly output: string;
}

async function run(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolveWith) => {
    const child = execFile(command, args, { cwd }, (_error, stdout, stderr) => {
      resolveWith({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

async function git(...args: readonly string[]): Promise<void> {
  const identity = ['-c', 'user.name=Nobody', '-c', 'user.email=nobody@example.com'];
  const signing = ['-c', 'commit.gpgSign=false', '-c', 'tag.gpgSign=false'];
  const { code, output } = await run('git', [...identity, ...signing, ...args], repository);
  if (code !== 0) throw new Error(output);
}

async function commit(schema: string): Promise<void> {
  await writeFile(join(repository, 'schema.graphql'), schema);
  await git('add', 'schema.graphql');
  await git('commit', '--message', 'The schema.');
}

async function compare(folder = repository): Promise<Outcome> {
  return run(resolve('node_modules/.bin/tsx'), [resolve('scripts/schemaChanges.ts')], folder);
}

const SCHEMA = `
  type Query { life(id: ID!): String census: Int! phase: Phase! }
  enum Phase { ALIVE DEAD }
`;

async function release(): Promise<void> {
  await git('init', '--quiet');
  await commit(SCHEMA);
  await git('tag', 'v1.0.0');
}

test('a change that breaks clients is told, and fails', async () => {
  await release();
  await commit(SCHEMA.replace('census: Int!', ''));
  const { code, output } = await compare();
  expect(output).toMatch(/^Breaking: .*census/);
  expect(output).toContain('Since v1.0.0');
  expect(code).toBe(1);
});

test('a change that clients may not be prepared for is told, and does not fail', async () => {
  await release();
  await commit(SCHEMA.replace('DEAD', 'DEAD FROZEN'));
  const { code, output } = await compare();
  expect(output).toMatch(/^Dangerous: .*FROZEN/);
  expect(output).not.toContain('Breaking: ');
  expect(code).toBe(0);
});

test('a change that no client notices is counted, and one that is not committed yet is seen', async () => {
  await release();
  await writeFile(
    join(repository, 'schema.graphql'),
    SCHEMA.replace('census: Int!', 'census: Int! machine: String'),
  );
  expect(await compare()).toEqual({
    code: 0,
    output: 'Since v1.0.0: schema.graphql has changed in 1 place, 0 breaking, 0 dangerous.\n',
  });
});

test('the last tag counts, not one before it', async () => {
  await release();
  await commit(SCHEMA.replace('census: Int!', ''));
  await git('tag', 'v2.0.0');
  expect(await compare()).toEqual({
    code: 0,
    output: 'Since v2.0.0: schema.graphql has changed in 0 places, 0 breaking, 0 dangerous.\n',
  });
});

test('it is said where there is no tag, no schema at the tag, no history, or no repository', async () => {
  expect(await compare()).toEqual({
    code: 0,
    output: 'There is no history here: schema.graphql is compared with nothing.\n',
  });

  await git('init', '--quiet');
  await git('commit', '--allow-empty', '--message', 'Nothing.');
  await git('tag', 'v0.0.1');
  await writeFile(join(repository, 'schema.graphql'), SCHEMA);
  expect(await compare()).toEqual({
    code: 0,
    output: 'v0.0.1 has no schema.graphql: it is compared with nothing.\n',
  });

  await git('tag', '--delete', 'v0.0.1');
  expect(await compare()).toEqual({
    code: 0,
    output: 'There is no tag yet: schema.graphql is compared with nothing.\n',
  });

  await commit(SCHEMA);
  await git('tag', 'v1.0.0');
  await commit(SCHEMA.replace('census: Int!', ''));
  await git('clone', '--quiet', '--depth', '1', '--no-tags', `file://${repository}`, 'shallow');
  expect(await compare(join(repository, 'shallow'))).toEqual({
    code: 0,
    output: 'There is no history here: schema.graphql is compared with nothing.\n',
  });
});
