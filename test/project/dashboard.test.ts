/** Which folders of the dashboard import which, and that none imports the server's code. */
import { readFileSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';

const ROOT = 'web/src';

/** Each folder with the folders that it imports. Files above all folders are left out. */
const PICTURE: Record<string, readonly string[]> = {
  client: [],
  machine: ['client', 'graphql', 'parts'],
  parts: ['client'],
  feed: ['client', 'lives', 'machine', 'parts', 'session'],
  lives: ['client', 'feed', 'machine', 'parts', 'session'],
};

const imports = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('graphql/'))
  .flatMap((from) =>
    ts
      .preProcessFile(readFileSync(posix.join(ROOT, from), 'utf8'))
      .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => ({ from, to: posix.join(posix.dirname(from), fileName) })),
  );

const folderOf = (path: string): string => path.split('/')[0] ?? '';

test('the dashboard imports nothing of the server', () => {
  expect(imports.length).toBeGreaterThan(30);
  expect(imports.filter(({ to }) => to.startsWith('..'))).toEqual([]);
});

test('the folders import one another as in the table, and the generic ones nothing of lives', () => {
  const seen = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (!from.includes('/')) continue;
    const known = seen.get(folderOf(from)) ?? new Set();
    seen.set(folderOf(from), known);
    if (folderOf(from) !== folderOf(to)) known.add(folderOf(to));
  }
  const drawn = [...seen].map(([folder, known]) => [folder, [...known].sort()] as const);
  expect(Object.fromEntries(drawn)).toEqual(PICTURE);
});
