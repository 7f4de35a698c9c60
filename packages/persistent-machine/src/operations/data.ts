/**
 * What an event carries, on its way to the history's column `data` and back. As text it has one form: what was declared,
 * in that order, moments in UTC. Does not know what any of it means.
 */
import type { AnyMachine, Column as DeclaredColumn } from '../machine';
import type { Column } from './columns';
import type { MachineTables } from './tables';

/** As `jsonb` gives it back; null: the event carries nothing. */
export type StoredData = Readonly<Record<string, string | number | boolean>> | null;

/** As the caller says it, and as it is shown: moments are dates. */
export type EventData = Readonly<Record<string, string | number | boolean | Date>>;

export const DATA_COLUMN: Column = { name: 'data', property: '#data', type: 'jsonb' };

/** The column as one more of a select list; nothing where the machine's events carry nothing. */
export function selectedData({ hasData }: MachineTables, alias: string): string {
  return hasData ? `, ${alias}.data AS "#data"` : '';
}

/** The data of a machine's events. What each event carries is looked up once. */
export class DataCodec {
  readonly #columns: ReadonlyMap<string, readonly (readonly [string, DeclaredColumn])[]>;

  constructor({ declaration }: AnyMachine) {
    this.#columns = new Map(
      Object.entries(declaration.events).flatMap(([event, { data = {} }]) => {
        const columns = Object.entries(data);
        return columns.length === 0 ? [] : [[event, columns]];
      }),
    );
  }

  /** Whether any event carries anything. */
  get isNeeded(): boolean {
    return this.#columns.size > 0;
  }

  /**
   * @returns text of JSON; null where the event carries nothing
   * @throws TypeError where data are missing, or are of such a kind that they would not come back as they were said
   */
  encode(event: string, data: object): string | null {
    const columns = this.#columns.get(event);
    if (columns === undefined) return null;
    const said = data as Readonly<Record<string, unknown>>;
    const stored: Record<string, unknown> = {};
    for (const [name, { kind }] of columns) {
      if (!KINDS[kind](said[name])) {
        throw new TypeError(`${event} carries ${name}, which is no ${kind} that can be kept.`);
      }
      stored[name] = said[name];
    }
    // Dates become texts in UTC.
    return JSON.stringify(stored);
  }

  /** Whether a retry says what was recorded; `encoded` is what it says. */
  isSame(event: string, encoded: string | null, recorded: StoredData): boolean {
    const columns = this.#columns.get(event);
    if (columns === undefined || encoded === null) return recorded === null;
    if (recorded === null) return false;
    // In the order of the declaration: jsonb has one of its own.
    return (
      encoded ===
      JSON.stringify(Object.fromEntries(columns.map(([name]) => [name, recorded[name]])))
    );
  }

  decode(event: string, recorded: StoredData): EventData | null {
    const columns = this.#columns.get(event);
    if (columns === undefined || recorded === null) return recorded;
    const data: Record<string, string | number | boolean | Date> = {};
    for (const [name, { kind }] of columns) {
      const value = recorded[name];
      // A column that was declared later.
      if (value === undefined) continue;
      data[name] = kind === 'moment' ? new Date(String(value)) : value;
    }
    return data;
  }
}

/** Whether a value of a kind comes back from `jsonb` as it is. */
const KINDS: Readonly<Record<DeclaredColumn['kind'], (value: unknown) => boolean>> = {
  // PostgreSQL has no U+0000 in a text, and takes no half of a surrogate pair.
  text: (value) => typeof value === 'string' && !/[\0\p{Surrogate}]/u.test(value),
  int: (value) => Number.isInteger(value),
  moment: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  flag: (value) => typeof value === 'boolean',
};
