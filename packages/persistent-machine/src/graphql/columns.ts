/**
 * The GraphQL type of a declared column, and the rules for an argument that fills it. PostgreSQL enforces the same
 * rules as constraints, but cannot tell the client which argument is wrong.
 */
import { Matches, Max, Min, ValidateBy } from 'class-validator';
import type { GraphQLScalarType } from 'graphql';
import { Int } from 'type-graphql';
import type { Column, Columns, TextColumn } from '../machine';
import { DateTime } from './DateTime';
import type { ArgumentOf, ShownField } from './types';

const TYPES: Readonly<
  Record<
    Column['kind'],
    { readonly type: GraphQLScalarType | typeof String | typeof Boolean; readonly name: string }
  >
> = {
  text: { type: String, name: 'String' },
  int: { type: Int, name: 'Int' },
  moment: { type: DateTime, name: 'DateTime' },
  flag: { type: Boolean, name: 'Boolean' },
};

/** @returns the type as a document writes it, such as `Int!` */
export function typeNameOf({ kind }: Column, nullable: boolean): string {
  return `${TYPES[kind].name}${nullable ? '' : '!'}`;
}

/** @param of reads the column from what is shown */
export function fieldOf<T>(
  { kind, says }: Column,
  nullable: boolean,
  of: (shown: T) => unknown,
): ShownField<T> {
  const { type } = TYPES[kind];
  return {
    type: () => type,
    nullable,
    says: nullable ? `${says} Null if there is none.` : says,
    of,
  };
}

/** The arguments that fill the columns. */
export function argumentsOf(columns: Columns): Record<string, ArgumentOf> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const { type } = TYPES[column.kind];
      return [name, { type: () => type, says: column.says, rules: rulesOf(column) }];
    }),
  );
}

function rulesOf(column: Column): PropertyDecorator[] {
  switch (column.kind) {
    case 'text':
      return rulesOfText(column);
    case 'int': {
      const { min, max } = column;
      return [
        ...(min === undefined ? [] : [Min(min, { message: `must be ${min} or more.` })]),
        ...(max === undefined ? [] : [Max(max, { message: `must be ${max} or less.` })]),
      ];
    }
    // Their GraphQL types are their only rules.
    case 'moment':
    case 'flag':
      return [];
  }
}

function rulesOfText({ min, max, pattern }: TextColumn): PropertyDecorator[] {
  return [
    // PostgreSQL refuses NUL in a text, and a lone surrogate would be stored as another character.
    rule(
      'isStorable',
      'must be well-formed Unicode without NUL.',
      (text) => !/[\0\p{Cs}]/u.test(text),
    ),
    ...(min === undefined
      ? []
      : [
          rule('isLongEnough', `must be ${counted(min)} or more.`, (text) => lengthOf(text) >= min),
        ]),
    ...(max === undefined
      ? []
      : [
          rule(
            'isShortEnough',
            `must be ${counted(max)} or less.`,
            (text) => lengthOf(text) <= max,
          ),
        ]),
    ...(pattern === undefined
      ? []
      : [Matches(pattern, { message: `must match ${pattern.source}.` })]),
  ];
}

function rule(name: string, message: string, isKept: (text: string) => boolean): PropertyDecorator {
  return ValidateBy(
    { name, validator: { validate: (value) => typeof value === 'string' && isKept(value) } },
    { message },
  );
}

function counted(length: number): string {
  return `${length} ${length === 1 ? 'character' : 'characters'}`;
}

/** In characters, as PostgreSQL counts them: an emoji is one, where JavaScript counts two. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}
