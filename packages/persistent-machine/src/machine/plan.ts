/**
 * The lookup tables of a declaration. They are computed once, so that neither a record nor a transition has to read
 * the declaration.
 */
import type { Declaration } from './declaration';
import type { RefusalClass } from './refusals';

/** How a record changes where an event leads from one state to another. */
export interface Way {
  /** The column that takes the event's moment. */
  readonly moment: string;
  /** The other columns that the event sets, as far as the new state keeps them. */
  readonly sets: readonly string[];
  /** The columns that the new state does not keep. */
  readonly clears: readonly string[];
}

/** Whether the record has a value in a column while the machine is in a state. */
export interface Holding {
  readonly column: string;
  readonly holds: 'always' | 'maybe' | 'never';
}

export interface StatePlan {
  readonly state: string;
  /** Every column of the machine, in the order of the declaration. */
  readonly holdings: readonly Holding[];
  /** The columns that take the moment of an event, as far as this state keeps them. */
  readonly moments: readonly string[];
  readonly nextEvents: readonly string[];
  /** By event, then by the state that it leads to. */
  readonly ways: ReadonlyMap<string, ReadonlyMap<string, Way>>;
}

export interface EventPlan {
  readonly event: string;
  readonly verb: string;
  readonly moment: string;
  readonly takesData: boolean;
  /** The columns that the event may change: its moment, the columns among its data, and what the class computes. */
  readonly sets: readonly string[];
  readonly refusals: readonly RefusalClass[];
}

export interface Plan {
  /** In the order of the declaration. */
  readonly states: ReadonlyMap<string, StatePlan>;
  /** The initial event comes first. */
  readonly events: ReadonlyMap<string, EventPlan>;
}

/** @param declaration a checked one */
export function planOf(declaration: Declaration): Plan {
  const { columns, initial } = declaration;
  const events = mapped(declaration.events, (event, { verb, at, ...rest }): EventPlan => {
    const { data = {}, sets = [], refusals = [] } = rest;
    const said = Object.keys(data);
    const changed = [at, ...said, ...sets].filter((column) => Object.hasOwn(columns, column));
    const takesData = said.length > 0;
    return { event, verb, moment: at, takesData, sets: Object.freeze(changed), refusals };
  });
  const states = mapped(declaration.states, (state) => statePlanOf(state, declaration, events));
  // A map keeps the place of a key that is set again, so the initial event stays first.
  return { states, events: new Map([[initial.event, known(events, initial.event)], ...events]) };
}

function statePlanOf(
  state: string,
  { columns, states }: Declaration,
  events: Plan['events'],
): StatePlan {
  const kept = mapped(states, (_, { has = [], may = [] }) => [...has, ...may]);
  const { has = [], accepts = {} } = states[state] ?? {};
  const here = known(kept, state);
  const moments = new Set([...events.values()].map(({ moment }) => moment));
  return {
    state,
    holdings: Object.keys(columns).map((column) => {
      if (has.includes(column)) return { column, holds: 'always' };
      return { column, holds: here.includes(column) ? 'maybe' : 'never' };
    }),
    moments: here.filter((column) => moments.has(column)),
    nextEvents: Object.freeze(Object.keys(accepts)),
    ways: mapped(accepts, (event, accepted) => {
      const { moment, sets } = known(events, event);
      const wayTo = (to: string): Way => {
        const there = known(kept, to);
        return {
          moment,
          sets: sets.filter((column) => column !== moment && there.includes(column)),
          clears: here.filter((column) => !there.includes(column)),
        };
      };
      return new Map(targetsOf(accepted).map((to) => [to, wayTo(to)]));
    }),
  };
}

/** The states that an entry of `accepts` names. */
export function targetsOf(accepted: string | readonly string[]): readonly string[] {
  return typeof accepted === 'string' ? [accepted] : accepted;
}

function mapped<From, To>(
  entries: Readonly<Record<string, From>>,
  make: (name: string, entry: From) => To,
): ReadonlyMap<string, To> {
  return new Map(Object.entries(entries).map(([name, entry]) => [name, make(name, entry)]));
}

/** Looks up a name that a checked declaration must have. */
export function known<T>(entries: ReadonlyMap<string, T>, name: string): T {
  const entry = entries.get(name);
  if (entry === undefined) throw new TypeError(`There is no ${name}.`);
  return entry;
}
