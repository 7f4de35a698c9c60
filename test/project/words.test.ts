/** The engine is for any machine: neither its code nor its comments, messages and tests say a word of lives. */
import { readFileSync, readdirSync } from 'node:fs';

/** Whole words, in names too: `lifeId` and `life_transitions` have one. */
const WORDS =
  /\b(?:life|lives|lived|living|births?|born|deaths?|dead|dies?|died|alive|gestat\w*|conceiv\w*|conceptions?)\b/gi;

/** What is said of processes and connections, and not of machines: an answer of `/healthz`, and HTTP's own term. */
const OTHERS = /status: 'alive'|keep[_-]?alive/gi;

const files = readdirSync('packages', { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => /\.(?:c?[jt]s|mjs|md|json|graphql)$/.test(name))
  .filter((name) => !/(?:^|\/)(?:node_modules|dist)\//.test(name));

/** The words of a file in which each part of a name is one: `aDoorId` has three. */
function wordsOf(text: string): string[] {
  const spoken = text
    .replaceAll(OTHERS, '')
    .replaceAll('_', ' ')
    .replaceAll(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ');
  return spoken.match(WORDS) ?? [];
}

test('a word is found wherever it stands', () => {
  expect(wordsOf('const lifeId = LIFE_NOT_FOUND; // Of the dead, who have livelihoods.')).toEqual([
    'life',
    'LIFE',
    'dead',
  ]);
});

test('no file of the engine says a word of lives', () => {
  expect(files.length).toBeGreaterThan(100);
  const found = files
    .map((file) => ({ file, words: wordsOf(readFileSync(`packages/${file}`, 'utf8')) }))
    .filter(({ words }) => words.length > 0);
  expect(found).toEqual([]);
});
