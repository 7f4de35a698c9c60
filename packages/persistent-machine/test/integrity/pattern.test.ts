/** Tests that a JavaScript regular expression, translated for PostgreSQL, matches the very same texts there. */
import * as fc from 'fast-check';
import { Client } from 'pg';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';
import { patternInSql } from '../../src/integrity/pattern';

const TRANSLATED = [
  /^[A-Z]{2}-\d{3}$/,
  /^\w+(?:\.\w+)*@\w+(?:\.\w+)+$/,
  /a|b|/,
  /^(?:x|y)?z*$/,
  /^(ab)+?c??$/,
  /^[a-c\-.\]\\^]{1,4}$/,
  /^[^a-c]*$/u,
  /^\D\W$/u,
  /^.{2}$/u,
  /^[é-ü]+$/,
  /^😀{2}$/u,
  /^[😀-😂]$/u,
  /\d/,
  /^$/,
  /[[:alpha:]]/,
  /^a{2}b{0,3}c{1,}$/,
  /\t|\n/,
  /^}\]"'`$/,
];

const LEFT_TO_THE_APPLICATION = [
  /a/i,
  /a/s,
  /^a$/m,
  /(?=a)/,
  /(?<!a)b/,
  /(a)\1/,
  /(?<name>a)/,
  /\bword\b/,
  /\s/,
  /\S/u,
  /\p{Letter}/u,
  /a{256}/,
  /[^a]/,
  /./,
  /\D/,
  /😀/,
  /[😀]/,
  /[]/,
  /[^]/u,
  /[\w-a]/,
  /\u0041/,
  /a{x/,
];

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

test.each(TRANSLATED)(
  '%s matches the same texts in PostgreSQL as in JavaScript',
  async (pattern) => {
    const expression = patternInSql(pattern);
    // PostgreSQL cannot store U+0000.
    const characters = fc.constantFrom(
      ...(String.raw`abcxyzABZ09_-.@é٣ |^$[]{}\:'"😀😁😂`.match(/./gu) ?? []),
      ...['`', '\n', '\r', '\t', '\u2028'],
    );
    const text = fc.oneof(
      fc.stringMatching(pattern),
      fc.string({ unit: characters, maxLength: 6 }),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    );
    const texts = fc
      .sample(text, { numRuns: 2_000, seed: 7 })
      .filter((each) => !each.includes('\0') && !/\p{Surrogate}/u.test(each));
    const { rows } = await client.query<{ text: string; matches: boolean }>(
      'SELECT text, text ~ $1 AS matches FROM unnest($2::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n',
      [expression, texts],
    );
    expect(rows).toEqual(texts.map((each) => ({ text: each, matches: pattern.test(each) })));
    expect(new Set(rows.map(({ matches }) => matches)).size).toBeGreaterThan(
      pattern.test('') ? 0 : 1,
    );
  },
);

test.each(LEFT_TO_THE_APPLICATION)(
  '%s is not translated: the application alone checks it',
  (pattern) => {
    expect(patternInSql(pattern)).toBeUndefined();
  },
);
