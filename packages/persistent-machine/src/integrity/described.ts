/**
 * What a schema has, in plain data: two that were made differently are alike when their descriptions are. The schema's
 * own name is nowhere in a description, and a function's indentation does not count.
 */
import { identifier } from './names';

export interface Described {
  /** By name. */
  readonly tables: ReadonlyMap<string, DescribedTable>;
  /** The functions that the tables' triggers call: by name, the statement that makes each. */
  readonly functions: ReadonlyMap<string, string>;
}

export interface DescribedTable {
  /** In the order of the table. */
  readonly columns: ReadonlyMap<string, DescribedColumn>;
  /** Each as `ALTER TABLE … ADD CONSTRAINT name` goes on. */
  readonly constraints: ReadonlyMap<string, DescribedConstraint>;
  /** Without those that a constraint made: by name, the statement that makes each. */
  readonly indexes: ReadonlyMap<string, string>;
  readonly triggers: ReadonlyMap<string, DescribedTrigger>;
  /** What TypeORM keeps of generated columns: by their names, the expressions as they were written. */
  readonly generated: ReadonlyMap<string, string>;
}

export interface DescribedColumn {
  readonly type: string;
  /** `DEFAULT …` or `GENERATED …`; empty where there is neither. */
  readonly value: string;
  readonly isNotNull: boolean;
}

export interface DescribedTrigger {
  /** The statement that makes it. */
  readonly definition: string;
  /** `ENABLE`, unless it was switched off or over: what `ALTER TABLE` then says of it. */
  readonly state: string;
}

export interface DescribedConstraint {
  readonly isForeignKey: boolean;
  readonly definition: string;
}

/** Stands for the schema's name, as SQL has it, in the text of a function. */
export const SCHEMA = '\u{E000}';

/** A trigger's clauses in lines of their own. */
export function inClauses(text: string): string {
  const [clauses = '', call = ''] = text.split(/(?= EXECUTE FUNCTION )/);
  return (
    clauses.replaceAll(/ (?=(?:BEFORE|AFTER|REFERENCING|DEFERRABLE|FOR EACH|WHEN) )/g, '\n  ') +
    call.replace(' ', '\n  ')
  );
}

/** A function's text, with the mark in place of the schema that it names before tables and functions of ours. */
export function withoutSchema(text: string, schema: string, names: readonly string[]): string {
  const name = names.map((each) => escaped(identifier(each))).join('|');
  // The heading names the function's own schema: it is made in the current one.
  return text
    .replace(`FUNCTION ${schema}.`, 'FUNCTION ')
    .replaceAll(
      new RegExp(`(?<![\\w.])${escaped(schema)}\\.(?=(?:${name})(?![\\w$]))`, 'g'),
      `${SCHEMA}.`,
    );
}

function escaped(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}

/** Without the indentation that a migration gave to the body of a function. */
export function dedented(definition: string): string {
  const [heading = '', body, end = ''] = definition.split(/(?<=\$function\$\n)|(?=\$function\$$)/);
  if (body === undefined) return definition;
  const margins = body.split('\n').flatMap((line) => /^ *(?=\S)/.exec(line)?.[0].length ?? []);
  const margin = Math.min(...margins);
  return heading + body.replaceAll(new RegExp(`^ {${margin}}`, 'gm'), '') + end;
}
