/**
 * The kinds of columns: the type of their values in TypeScript, and the rules for them. How PostgreSQL stores a kind
 * and how GraphQL names it is decided on the floors above.
 */

interface Described {
  /** What the column holds, in a sentence for the readers of the schema. */
  readonly says: string;
}

export interface TextColumn extends Described {
  readonly kind: 'text';
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
}

export interface IntColumn extends Described {
  readonly kind: 'int';
  readonly min?: number;
  readonly max?: number;
}

export interface MomentColumn extends Described {
  readonly kind: 'moment';
}

export interface FlagColumn extends Described {
  readonly kind: 'flag';
}

export type Column = TextColumn | IntColumn | MomentColumn | FlagColumn;
export type Columns = Readonly<Record<string, Column>>;

interface ValueOfKind {
  readonly text: string;
  readonly int: number;
  readonly moment: Date;
  readonly flag: boolean;
}

/** The value of a column that is not null. */
export type ValueOf<C> = C extends Column ? ValueOfKind[C['kind']] : never;

/** A value for each of the columns. */
export type ValuesOf<C extends Columns> = { readonly [K in keyof C]: ValueOf<C[K]> };

/** A text of `min` to `max` characters that matches `pattern`. */
export function text(rules: Omit<TextColumn, 'kind'>): TextColumn {
  return { kind: 'text', ...rules };
}

/** A whole number of 32 bits, from `min` to `max`. */
export function int(rules: Omit<IntColumn, 'kind'>): IntColumn {
  return { kind: 'int', ...rules };
}

/** A point in time, to the millisecond. */
export function moment(rules: Omit<MomentColumn, 'kind'>): MomentColumn {
  return { kind: 'moment', ...rules };
}

/** Yes or no. */
export function flag(rules: Omit<FlagColumn, 'kind'>): FlagColumn {
  return { kind: 'flag', ...rules };
}
