/**
 * Owns sample data of events: values that keep the rules of the columns, and values of the machine's record, since a
 * verb often compares the two. Knows the declaration, and not what an event makes of its data.
 */
import * as fc from 'fast-check';
import type { AnyLifecycle, Column, DataOf, EventIn, MachinePhase } from '../../src/machine';
import { type Value, limitsOf, sampleOf } from '../integrity/samples';

/** Sample data that a test gives, one or several for each event. */
export type SamplesOf<L extends AnyLifecycle> = {
  readonly [E in EventIn<L>]?: readonly DataOf<L, E>[];
};

/** The same, without the types of the machine. */
export type Samples = Readonly<Record<string, readonly object[] | undefined>>;

/** How many different data of an event are tried in one phase. */
const TRIES = 30;

export class SampleData {
  readonly #events: AnyLifecycle['machine']['declaration']['events'];
  readonly #given: Samples;

  /** @param given the test's own data, which are tried first */
  constructor({ machine }: AnyLifecycle, given: Samples) {
    this.#events = machine.declaration.events;
    this.#given = given;
  }

  /**
   * @param phase the machine's phase; null: there is no machine yet
   * @returns different data, the likeliest first, and the same each time; `{}` alone where the event carries nothing
   */
  of(event: string, phase: MachinePhase | null): readonly [object, ...object[]] {
    const columns = Object.entries(this.#events[event]?.data ?? {}).map(
      ([name, rules]) => [name, valuesOf(rules, phase)] as const,
    );
    const first = Object.fromEntries(columns.map(([name, [value]]) => [name, value]));
    const arbitraries = Object.fromEntries(
      columns.map(([name, values]) => [name, fc.constantFrom(...values)]),
    );
    const mixed = fc.sample(fc.record(arbitraries), { numRuns: TRIES, seed: 1 });
    const [likeliest = first, ...others] = different([
      ...(this.#given[event] ?? []),
      first,
      ...mixed,
    ]);
    return [likeliest, ...others];
  }

  /** @returns data that each differ from the given ones in one value, if it has an alternative */
  others(event: string, data: object): readonly object[] {
    return Object.entries(this.#events[event]?.data ?? {}).flatMap(([name, rules]) => {
      const [, other] = different([Reflect.get(data, name), ...valuesOf(rules, null)]);
      return other === undefined ? [] : [{ ...data, [name]: other }];
    });
  }
}

/** A text with characters that SQL, JSON or JavaScript might misread. */
const AWKWARD = `a "b" \\ {}, NULL 'ü'👶`;

/** @param phase the machine's, whose record may have such values */
function valuesOf(rules: Column, phase: MachinePhase | null): readonly Value[] {
  const likeliest = [AWKWARD, ...[1, 2, 7].map((number) => sampleOf(rules, number))];
  const held = Object.values(phase?.state ?? {});
  return different(
    [...likeliest, ...held, ...limitsOf(rules)].filter((value) => isOfKind(rules, value)),
  );
}

/** Whether a value keeps the rules of a column. */
function isOfKind(rules: Column, value: unknown): value is Value {
  switch (rules.kind) {
    case 'text':
      return (
        typeof value === 'string' &&
        Array.from(value).length >= (rules.min ?? 0) &&
        Array.from(value).length <= (rules.max ?? Infinity) &&
        (rules.pattern?.test(value) ?? true)
      );
    case 'int':
      return (
        typeof value === 'number' &&
        value >= (rules.min ?? -Infinity) &&
        value <= (rules.max ?? Infinity)
      );
    case 'moment':
      return value instanceof Date;
    case 'flag':
      return typeof value === 'boolean';
  }
}

/** The values without duplicates. */
function different<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
