/** The rules of columns and of events' data as SQL conditions. It knows no machine. */
import type { Column, Columns } from '../machine';
import { identifier, literal } from './names';
import { patternInSql } from './pattern';

/** The SQL type of each kind of column. */
export const SQL_TYPES = {
  text: 'text',
  int: 'integer',
  moment: 'timestamptz',
  flag: 'boolean',
} as const satisfies Record<Column['kind'], string>;

/**
 * The rules of a column, without a pattern that `patternInSql` cannot express: the application alone checks that one.
 *
 * @returns a condition, which is true or null if the column keeps its rules; undefined if it has none
 */
export function ruleOf(name: string, rules: Column): string | undefined {
  if (rules.kind !== 'text' && rules.kind !== 'int') return undefined;
  const column = identifier(name);
  // `char_length` counts code points, because the database's encoding is UTF-8.
  const measure = rules.kind === 'text' ? `char_length(${column})` : column;
  const pattern = rules.kind === 'text' && rules.pattern && patternInSql(rules.pattern);
  const conditions = [
    rules.min === undefined ? [] : `${measure} >= ${rules.min}`,
    rules.max === undefined ? [] : `${measure} <= ${rules.max}`,
    pattern ? `${column} ~ ${literal(pattern)}` : [],
  ].flat();
  return conditions.length === 0 ? undefined : conditions.join(' AND ');
}

/** A moment in JSON, as `Date.prototype.toISOString` writes it for years of four digits. */
const MOMENT = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$';

/** For each kind, the condition on a value in a JSON path. */
const TYPES: Record<Column['kind'], (value: string) => string> = {
  text: (value) => `${value}.type() == "string"`,
  int: (value) =>
    `${value}.type() == "number" && ${value}.floor() == ${value}` +
    ` && ${value} >= -2147483648 && ${value} <= 2147483647`,
  moment: (value) => `${value} like_regex "${MOMENT}"`,
  flag: (value) => `${value}.type() == "boolean"`,
};

/**
 * Checks types only: the history is never changed, so rows from before would break a rule that is tightened later.
 *
 * @returns a condition, which is true if the column `data` is an object with exactly these keys, each of its type
 */
export function dataRuleOf(data: Columns): string {
  const keys = Object.keys(data).map((key) => JSON.stringify(key));
  const types = Object.entries(data).map(([key, { kind }]) =>
    TYPES[kind](`$.${JSON.stringify(key)}`),
  );
  const foreign = `!exists($.keyvalue() ? (${keys.map((key) => `@.key != ${key}`).join(' && ')}))`;
  // Strict, because a lax path unwraps arrays.
  return `data @@ ${literal(`strict ${[...types, foreign].join(' && ')}`)}`;
}
