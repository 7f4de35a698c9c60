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
  of(event: string, phase: MachinePhase | null): readonly object[] {
    const columns = Object.entries(this.#events[event]?.data ?? {});
    const arbitraries = Object.fromEntries(
      columns.map(([name, rules]) => [name, fc.constantFrom(...valuesOf(rules, phase))]),
    );
    const first = Object.fromEntries(columns.map(([name, rules]) => [name, sampleOf(rules, 1)]));
    const mixed =
      columns.length === 0 ? [] : fc.sample(fc.record(arbitraries), { numRuns: TRIES, seed: 1 });
    const all = [...(this.#given[event] ?? []), first, ...mixed];
    return [...new Map(all.map((data) => [JSON.stringify(data), data])).values()];
  }

  /** @returns data of an event; another one than `data` where it is given, and undefined where there is none */
  other(event: string, data: object): object | undefined {
    return this.of(event, null).find((each) => JSON.stringify(each) !== JSON.stringify(data));
  }
}

function valuesOf(rules: Column, phase: MachinePhase | null): readonly Value[] {
  const held = Object.values(phase?.state ?? {}).filter((value) => isOfKind(rules, value));
  const all = [...[1, 2, 7].map((number) => sampleOf(rules, number)), ...held, ...limitsOf(rules)];
  return [...new Map(all.map((value) => [JSON.stringify(value), value])).values()];
}

/** Whether a value of the record keeps the rules of a column. */
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
      return false;
  }
}
