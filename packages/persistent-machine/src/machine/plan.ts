/**
 * What phases and steps look up of a declaration, computed once: nothing of it is computed again for a record or a
 * transition.
 */
import type { Declaration } from './declaration';
import type { RefusalClass } from './refusals';

/** What becomes of a record on one way: by one event, from one state to another. */
export interface Way {
  readonly to: string;
  /** The column that takes the event's moment. */
  readonly moment: string;
  /** The columns that the event sets and the new state keeps. */
  readonly sets: readonly string[];
  /** The columns that the new state does not keep. */
  readonly clears: readonly string[];
}

export interface StatePlan {
  readonly state: string;
  readonly has: readonly string[];
  readonly may: readonly string[];
  /** The columns that are null in this state. */
  readonly lacks: readonly string[];
  /** The columns that take the moments of events, of those that this state has or may have. */
  readonly moments: readonly string[];
  readonly nextEvents: readonly string[];
  /** By event and target. */
  readonly ways: Readonly<Record<string, Readonly<Record<string, Way>>>>;
}

export interface EventPlan {
  readonly event: string;
  readonly verb: string;
  readonly moment: string;
  readonly takesData: boolean;
  /** The columns that the event may change: its moment, its data that are columns, and what the class computes. */
  readonly sets: readonly string[];
  readonly refusals: readonly RefusalClass[];
}

export interface Plan {
  readonly states: Readonly<Record<string, StatePlan>>;
  /** The one that begins the machine first. */
  readonly events: Readonly<Record<string, EventPlan>>;
}

export function planOf(declaration: Declaration): Plan {
  const { initial, columns } = declaration;
  const names = [...new Set([initial.event, ...Object.keys(declaration.events)])];
  const events = dictionary(names, (event): EventPlan => {
    const { verb, at, data = {}, sets = [], refusals = [] } = valueOf(declaration.events, event);
    const said = Object.keys(data);
    const changed = [at, ...said.filter((name) => Object.hasOwn(columns, name)), ...sets];
    return {
      event,
      verb,
      moment: at,
      takesData: said.length > 0,
      sets: Object.freeze([...new Set(changed)].filter((column) => column !== 'createdAt')),
      refusals,
    };
  });
  const states = dictionary(Object.keys(declaration.states), (state) =>
    statePlanOf(declaration, events, state),
  );
  return { states, events };
}

function statePlanOf(
  { columns, states }: Declaration,
  events: Plan['events'],
  state: string,
): StatePlan {
  const keptIn = (name: string): readonly string[] => {
    const { has = [], may = [] } = valueOf(states, name);
    return [...has, ...may];
  };
  const { has = [], may = [], accepts = {} } = valueOf(states, state);
  const kept = keptIn(state);
  const moments = new Set(Object.values(events).map(({ moment }) => moment));
  const ways = dictionary(Object.keys(accepts), (event) => {
    const { moment, sets } = valueOf(events, event);
    return dictionary(targetsOf(valueOf(accepts, event)), (to): Way => {
      const keptThere = keptIn(to);
      return {
        to,
        moment,
        sets: sets.filter((column) => column !== moment && keptThere.includes(column)),
        clears: kept.filter((column) => !keptThere.includes(column)),
      };
    });
  });
  return {
    state,
    has,
    may,
    lacks: Object.keys(columns).filter((column) => !kept.includes(column)),
    moments: kept.filter((column) => moments.has(column)),
    nextEvents: Object.freeze(Object.keys(accepts)),
    ways,
  };
}

/** The states that an entry of `accepts` names. */
export function targetsOf(accepted: string | readonly string[]): readonly string[] {
  return typeof accepted === 'string' ? [accepted] : accepted;
}

/** An object without a prototype: a name that is not in it, such as `constructor`, finds nothing. */
function dictionary<T>(names: readonly string[], make: (name: string) => T): Record<string, T> {
  const entries: Record<string, T> = Object.create(null) as Record<string, never>;
  for (const name of names) entries[name] = make(name);
  return entries;
}

/** What a checked declaration is known to have under a name. */
function valueOf<T>(entries: Readonly<Record<string, T>>, name: string): T {
  const entry = entries[name];
  if (entry === undefined) throw new TypeError(`There is no ${name}.`);
  return entry;
}
