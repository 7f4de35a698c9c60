/** What SQL can say of the rules of a column, and of a value in an event's data. Knows no machine. */
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
 * The rules that SQL can say exactly as JavaScript does. To the application are left the patterns of which
 * `patternInSql` says so.
 *
 * @returns a condition, true or null where the column keeps its rules; undefined where there are none
 */
export function ruleOf(name: string, rules: Column): string | undefined {
  if (rules.kind !== 'text' && rules.kind !== 'int') return undefined;
  const column = identifier(name);
  // In a database in UTF-8 `char_length` counts code points.
  const measure = rules.kind === 'text' ? `char_length(${column})` : column;
  const pattern = rules.kind === 'text' && rules.pattern && patternInSql(rules.pattern);
  const conditions = [
    rules.min === undefined ? [] : `${measure} >= ${rules.min}`,
    rules.max === undefined ? [] : `${measure} <= ${rules.max}`,
    pattern ? `${column} ~ ${literal(pattern)}` : [],
  ].flat();
  return conditions.length === 0 ? undefined : conditions.join(' AND ');
}

/** A moment in JSON is as `Date.prototype.toISOString` writes it, with a year of four digits. */
const MOMENT = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$';

/** For each kind, what an accessor of a JSON path must keep. */
const TYPES: Record<Column['kind'], (value: string) => string> = {
  text: (value) => `${value}.type() == "string"`,
  int: (value) =>
    `${value}.type() == "number" && ${value}.floor() == ${value}` +
    ` && ${value} >= -2147483648 && ${value} <= 2147483647`,
  moment: (value) => `${value} like_regex "${MOMENT}"`,
  flag: (value) => `${value}.type() == "boolean"`,
};

/**
 * The types alone, since a history keeps what it has for good: a rule that is tightened later would find it wrong.
 *
 * @returns a condition, true where the column `data` is an object with just these keys, each of its type
 */
export function dataRuleOf(data: Columns): string {
  const keys = Object.keys(data).map((key) => JSON.stringify(key));
  const types = Object.entries(data).map(([key, { kind }]) =>
    TYPES[kind](`$.${JSON.stringify(key)}`),
  );
  const foreign = `!exists($.keyvalue() ? (${keys.map((key) => `@.key != ${key}`).join(' && ')}))`;
  // Strict: a lax path looks into an array as if it were its only item.
  return `data @@ ${literal(`strict ${[...types, foreign].join(' && ')}`)}`;
}
