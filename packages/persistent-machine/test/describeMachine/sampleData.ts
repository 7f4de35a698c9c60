/**
 * What events might carry: values by the rules of their columns, and what the machine's record holds, since a machine
 * often compares the two. Knows the declaration, and not what any event makes of it.
 */
import * as fc from 'fast-check';
import type { AnyLifecycle, Column, DataOf, EventIn, MachinePhase } from '../../src/machine';
import { type Value, limitsOf, sampleOf } from '../integrity/samples';

/** What events carry, as a test of a machine gives it: by event, one or several. */
export type SamplesOf<L extends AnyLifecycle> = {
  readonly [E in EventIn<L>]?: readonly DataOf<L, E>[];
};

/** The same, by names alone. */
export type Samples = Readonly<Record<string, readonly object[] | undefined>>;

/** How many different data of an event are tried in one phase. */
const TRIES = 30;

export class SampleData {
  readonly #events: AnyLifecycle['machine']['declaration']['events'];
  readonly #given: Samples;

  /** @param given is tried first */
  constructor({ machine }: AnyLifecycle, given: Samples) {
    this.#events = machine.declaration.events;
    this.#given = given;
  }

  /**
   * @param phase of the machine that the event is asked of; null: of none
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

  /** @returns data of an event that differ from these in one value; of each value, as far as there are others */
  others(event: string, data: object): readonly object[] {
    return Object.entries(this.#events[event]?.data ?? {}).flatMap(([name, rules]) => {
      const [, other] = different([Reflect.get(data, name), ...valuesOf(rules, null)]);
      return other === undefined ? [] : [{ ...data, [name]: other }];
    });
  }
}

/** What a text may have in it that SQL, JSON or JavaScript would take for something else. */
const AWKWARD = `a "b" \\ {}, NULL 'ü'👶`;

/** @param phase of the machine whose record may have values of the kind */
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

/** Of equal ones the first. */
function different<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
