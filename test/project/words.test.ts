/** The engine is for any machine: its code, comments, messages and tests never mention lives. */
import { readFileSync, readdirSync } from 'node:fs';

/** Whole words, also as parts of names: `lifeId` and `life_transitions` contain one. */
const WORDS =
  /\b(?:life|lives|lived|living|births?|born|deaths?|dead|dies?|died|alive|gestat\w*|conceiv\w*|conceptions?)\b/gi;

/** Phrases about processes and connections, not about machines: an answer of `/healthz`, and a term of HTTP. */
const OTHERS = /status: 'alive'|keep[_-]?alive/gi;

const files = readdirSync('packages', { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => /\.(?:c?[jt]s|mjs|md|json|graphql)$/.test(name))
  .filter((name) => !/(?:^|\/)(?:node_modules|dist)\//.test(name));

/** The words of a file. Each part of a name is one: `aDoorId` has three. */
function wordsOf(text: string): string[] {
  const spoken = text
    .replaceAll(OTHERS, '')
    .replaceAll('_', ' ')
    .replaceAll(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ');
  return spoken.match(WORDS) ?? [];
}

test('a word is found in any position', () => {
  expect(wordsOf('const lifeId = LIFE_NOT_FOUND; // Of the dead, who have livelihoods.')).toEqual([
    'life',
    'LIFE',
    'dead',
  ]);
});

test('no file of the engine mentions lives', () => {
  expect(files.length).toBeGreaterThan(100);
  const found = files
    .map((file) => ({ file, words: wordsOf(readFileSync(`packages/${file}`, 'utf8')) }))
    .filter(({ words }) => words.length > 0);
  expect(found).toEqual([]);
});
