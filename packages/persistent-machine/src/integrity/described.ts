/**
 * The description of a schema as plain data. Two schemas are alike if their descriptions are equal, however they were
 * made: a description has neither the schema's name, nor the number of partitions, nor the indentation of functions.
 */
import { identifier } from './names';

export interface Described {
  /** By name. */
  readonly tables: ReadonlyMap<string, DescribedTable>;
  /** The statements that create the functions of the triggers, by the functions' names. */
  readonly functions: ReadonlyMap<string, string>;
}

export interface DescribedTable {
  /** In the table's order. */
  readonly columns: ReadonlyMap<string, DescribedColumn>;
  /** By name. A definition is what follows `ALTER TABLE … ADD CONSTRAINT name`. */
  readonly constraints: ReadonlyMap<string, DescribedConstraint>;
  /** The statements that create the indexes, by name, without those of constraints. */
  readonly indexes: ReadonlyMap<string, string>;
  readonly triggers: ReadonlyMap<string, DescribedTrigger>;
  /** The expressions of generated columns that TypeORM keeps, by the columns' names. */
  readonly generated: ReadonlyMap<string, string>;
}

export interface DescribedColumn {
  readonly type: string;
  /** `DEFAULT …`, `GENERATED …`, or empty. */
  readonly value: string;
  readonly isNotNull: boolean;
}

export interface DescribedTrigger {
  /** The statement that creates it. */
  readonly definition: string;
  /** `ENABLE`, `DISABLE`, `ENABLE REPLICA` or `ENABLE ALWAYS`, as in `ALTER TABLE`. */
  readonly state: string;
}

export interface DescribedConstraint {
  readonly isForeignKey: boolean;
  readonly definition: string;
}

/** Stands for the schema's quoted name in the text of a function. */
export const SCHEMA = '\u{E000}';

/** Stands for the number of partitions, which each installation chooses. */
export const PARTITIONS = '\u{E001}';

/** Replaces what stands for facts of a database by those facts. */
export function inDatabase(
  statement: string,
  { schema, partitions }: { readonly schema: string; readonly partitions: number },
): string {
  return statement.replaceAll(SCHEMA, schema).replaceAll(PARTITIONS, String(partitions));
}

/** Puts each clause of a trigger's definition on a line of its own. */
export function inClauses(text: string): string {
  const [clauses = '', call = ''] = text.split(/(?= EXECUTE FUNCTION )/);
  return (
    clauses.replaceAll(/ (?=(?:BEFORE|AFTER|REFERENCING|DEFERRABLE|FOR EACH|WHEN) )/g, '\n  ') +
    call.replace(' ', '\n  ')
  );
}

/** Replaces the schema's name before our tables and functions in a function's text by `SCHEMA`. */
export function withoutSchema(text: string, schema: string, names: readonly string[]): string {
  const name = names.map((each) => escaped(identifier(each))).join('|');
  // The heading loses the schema: the function is created in the current one.
  return text
    .replace(`FUNCTION ${schema}.`, 'FUNCTION ')
    .replaceAll(
      new RegExp(`(?<![\\w.])${escaped(schema)}\\.(?=(?:${name})(?![\\w$]))`, 'g'),
      `${SCHEMA}.`,
    );
}

/** Replaces the number of partitions in the definition of a CHECK by `PARTITIONS`. */
export function withoutPartitions(definition: string): string {
  return definition.replaceAll(
    /(?<=\bpartition < |\bpartition =\s+CASE |md5\(.*::integer % )\d+/g,
    PARTITIONS,
  );
}

function escaped(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}

/** Removes the indentation that a migration gave to the body of a function. */
export function dedented(definition: string): string {
  const [heading = '', body, end = ''] = definition.split(/(?<=\$function\$\n)|(?=\$function\$$)/);
  if (body === undefined) return definition;
  const margins = body.split('\n').flatMap((line) => /^ *(?=\S)/.exec(line)?.[0].length ?? []);
  const margin = Math.min(...margins);
  return heading + body.replaceAll(new RegExp(`^ {${margin}}`, 'gm'), '') + end;
}
