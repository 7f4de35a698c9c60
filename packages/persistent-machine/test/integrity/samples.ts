/** Sample values that keep the rules of a column, and values that just break one. */
import * as fc from 'fast-check';
import type { Column, TextColumn } from '../../src/machine';
import { patternInSql } from '../../src/integrity/pattern';

export type Value = string | number | boolean | Date | null;

/** When everything in these tests begins. */
export const BEGINNING = new Date('2026-01-01T12:00Z');

/** @returns so many hours after the beginning */
export function hours(number: number): Date {
  return new Date(BEGINNING.getTime() + number * 3_600_000);
}

/** @returns a value that keeps the rules; another number gives another value, if the rules allow one */
export function sampleOf(rules: Column, number: number): Value {
  switch (rules.kind) {
    case 'text':
      return textOf(rules, number);
    case 'int': {
      const { min = -1_000_000, max = 1_000_000 } = rules;
      return min + (number % (max - min + 1));
    }
    case 'moment':
      return hours(100 + number);
    case 'flag':
      return number % 2 === 0;
  }
}

function textOf({ min = 0, max = 1_000, pattern }: TextColumn, number: number): string {
  if (pattern !== undefined) {
    const texts = fc.sample(
      fc.stringMatching(pattern).filter((text) => {
        const { length } = Array.from(text);
        return length >= min && length <= max;
      }),
      { numRuns: 50, seed: 1 },
    );
    const different = [...new Set(texts)];
    return different[number % different.length] ?? '';
  }
  return String.fromCodePoint(0x1f600 + (number % 50)).repeat(Math.min(Math.max(min, 2), max));
}

/** @returns values that each break exactly one rule that SQL can check, by the name of the breach */
export function breachesOf(rules: Column): Readonly<Record<string, Value>> {
  if (rules.kind === 'moment' || rules.kind === 'flag') return {};
  const { min, max } = rules;
  if (rules.kind === 'int') {
    return {
      ...(min === undefined ? {} : { 'less than its min': min - 1 }),
      ...(max === undefined ? {} : { 'more than its max': max + 1 }),
    };
  }
  const { pattern } = rules;
  return pattern === undefined
    ? {
        ...(min === undefined || min === 0 ? {} : { 'shorter than its min': '😀'.repeat(min - 1) }),
        ...(max === undefined ? {} : { 'longer than its max': 'x'.repeat(max + 1) }),
      }
    : patternInSql(pattern) === undefined
      ? {}
      : { 'not of its pattern': '\u{1}'.repeat(Math.max(min ?? 1, 1)) };
}

/** @returns values just within the rules; the longest text is of characters that JavaScript counts twice */
export function limitsOf(rules: Column): Value[] {
  if (rules.kind === 'int') return [rules.min ?? -2_147_483_648, rules.max ?? 2_147_483_647];
  if (rules.kind !== 'text' || rules.pattern !== undefined) return [];
  const { min = 0, max } = rules;
  return ['x'.repeat(min), ...(max === undefined ? [] : ['😀'.repeat(max)])];
}

/** @returns the value as a constant of SQL */
export function sqlOf(value: Value): string {
  if (value === null) return 'NULL';
  if (value instanceof Date) return `'${value.toISOString()}'`;
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}
