/**
 * What the documents say about the project, as far as a test can check it: they name everything that exists, and
 * nothing else.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { readConfiguration, variables } from 'persistent-machine/config';
import { MACHINES } from '../../src/machines';

const readme = readFileSync('README.md', 'utf8');
const documents = ['.', 'docs', 'packages/persistent-machine', 'examples/orders'].flatMap(
  (folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
);

/** The rows of the README's table of variables: name and default. */
const table = [
  ...sectionOf('Configuration').matchAll(/^\| `([A-Z_]+)` *\| *(?:`([^`]*)`)? *\|/gm),
].map(([, name = '', value = '']) => [name, value] as const);

function sectionOf(title: string): string {
  return readme.split(/^## /m).find((section) => section.startsWith(title)) ?? '';
}

test('the README’s diagram is that of a machine', () => {
  const [, diagram] = /^```mermaid\n([^]*?)\n```$/m.exec(readme) ?? [];
  expect(MACHINES.map(({ lifecycle }) => lifecycle.mermaid())).toContain(diagram);
});

test('the README has at most 1,800 words of prose, without tables and code', () => {
  const prose = readme.replaceAll(/^ *```[^]*?^ *```$/gm, '').replaceAll(/^\|.*$/gm, '');
  expect(prose.split(/\s+/).length).toBeLessThanOrEqual(1_800);
});

test('the README’s table has each variable once, and no other', () => {
  expect(table.map(([name]) => name).sort()).toEqual([...variables].sort());
});

test('the README’s defaults are those of the code', () => {
  expect(readConfiguration(Object.fromEntries(table))).toEqual(readConfiguration({}));
});

test('.env.example has each variable once, and no other, with its default', () => {
  const example = readFileSync('.env.example', 'utf8');
  const names = [...example.matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(names.sort()).toEqual([...variables].sort());
  expect(readConfiguration(parseEnv(example) as Record<string, string>)).toEqual(
    readConfiguration({}),
  );
});

describe.each(documents)('%s', (name) => {
  const document = readFileSync(name, 'utf8');

  test('names only existing commands', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    const commands = [...document.matchAll(/npm run ([\w:]+)/g)].map(([, command]) => command);
    expect(commands.filter((command) => !Object.hasOwn(scripts, command ?? ''))).toEqual([]);
  });

  test('names only existing files', () => {
    const links = [...document.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) =>
      join(dirname(name), link),
    );
    // Files that recipes create, and the reader does not.
    const paths =
      name === 'CONTRIBUTING.md'
        ? []
        : [...document.matchAll(/`((?:src|test|migrations|scripts|bench|web)\/[\w./-]*)`/g)].map(
            ([, path]) => path,
          );
    // Files that the README asks the reader to create.
    const written = /ticket/i;
    expect(
      [...links, ...paths].filter(
        (path = '') =>
          !existsSync(path) && !existsSync(join(dirname(name), path)) && !written.test(path),
      ),
    ).toEqual([]);
  });
});
