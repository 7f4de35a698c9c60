/**
 * The shape of a machine's tables, derived from its declaration: their names, their columns, and what states and events
 * mean for a column. It has names of SQL, and no SQL.
 */
import { type AnyMachine, type Column, type Columns, type Edge, edgesOf } from '../machine';
import { checked, snakeCase } from './names';

export interface Shape {
  readonly machine: string;
  /** The tables' names. */
  readonly records: string;
  readonly history: string;
  readonly ledger: string;
  /** The history's column with the id of its record. */
  readonly owner: DeclaredName;
  /** The declared columns, without those that every record has. */
  readonly columns: readonly ShapeColumn[];
  readonly states: readonly string[];
  readonly events: readonly ShapeEvent[];
  /** The legal transitions. */
  readonly edges: readonly Edge[];
  /** Whether the history has a column `data`. */
  readonly hasData: boolean;
}

export interface DeclaredName {
  /** The name in SQL. */
  readonly name: string;
  /** The name in TypeScript. */
  readonly property: string;
}

export interface ShapeColumn extends DeclaredName {
  readonly rules: Column;
  /** The states in which it is never null. */
  readonly hadBy: readonly string[];
  /** The states in which it is always null. */
  readonly lackedBy: readonly string[];
  /** The events that may change it. */
  readonly setBy: readonly string[];
}

export interface ShapeEvent {
  readonly name: string;
  /** The column that takes its moment. */
  readonly at: string;
  /** The event's data, under the caller's names; undefined if it carries nothing. */
  readonly data: Columns | undefined;
}

/** @throws Error if a name is too long for PostgreSQL */
export function shapeOf({ name, plural, bare, declaration }: AnyMachine): Shape {
  const prefix = snakeCase(name);
  const owner = { name: `${prefix}_id`, property: `${uncapitalized(name)}Id` };
  const columns = Object.entries(declaration.columns).map(([property, rules]) => ({
    name: checked(snakeCase(property)),
    property,
    rules,
    ...usesOf(declaration, property),
  }));
  const events = Object.entries(declaration.events).map(([event, { at, data }]) => ({
    name: event,
    at: snakeCase(at),
    data: data !== undefined && Object.keys(data).length > 0 ? data : undefined,
  }));
  return {
    machine: name,
    records: snakeCase(plural),
    history: `${prefix}_transitions`,
    ledger: bare ? 'ledger' : `${prefix}_ledger`,
    owner,
    columns,
    states: Object.keys(declaration.states),
    events,
    edges: edgesOf(declaration),
    hasData: events.some(({ data }) => data !== undefined),
  };
}

function usesOf(
  { states, events }: AnyMachine['declaration'],
  property: string,
): Pick<ShapeColumn, 'hadBy' | 'lackedBy' | 'setBy'> {
  const named = Object.entries(states);
  return {
    hadBy: named.filter(([, { has = [] }]) => has.includes(property)).map(([state]) => state),
    lackedBy: named
      .filter(([, { has = [], may = [] }]) => !has.includes(property) && !may.includes(property))
      .map(([state]) => state),
    setBy: Object.entries(events)
      .filter(
        ([, { at, data = {}, sets = [] }]) =>
          at === property || Object.hasOwn(data, property) || sets.includes(property),
      )
      .map(([event]) => event),
  };
}

function uncapitalized(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
