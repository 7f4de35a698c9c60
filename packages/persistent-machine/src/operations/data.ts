/**
 * Encodes what an event carries for the history's column `data`, and decodes it. The encoding is canonical: the
 * declared data, in the order of the declaration, with moments in UTC.
 */
import type { AnyMachine, Column as DeclaredColumn } from '../machine';
import type { Column } from './columns';
import type { MachineTables } from './tables';

/** An event's data as `jsonb` returns them; null if the event carries nothing. */
export type StoredData = Readonly<Record<string, string | number | boolean>> | null;

/** An event's data as callers say and read them: moments are dates. */
export type EventData = Readonly<Record<string, string | number | boolean | Date>>;

export const DATA_COLUMN: Column = { name: 'data', property: '#data', type: 'jsonb' };

/** The column `data` to append to a select list; empty if the machine's events carry nothing. */
export function selectedData({ hasData }: MachineTables, alias: string): string {
  return hasData ? `, ${alias}.data AS "#data"` : '';
}

/** Encodes, compares and decodes the data of one machine's events. */
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

  /** Whether any event carries data. */
  get isNeeded(): boolean {
    return this.#columns.size > 0;
  }

  /**
   * @returns JSON text, or null if the event carries nothing
   * @throws TypeError if data are missing, or `jsonb` would not return them unchanged
   */
  encode(event: string, data: object): string | null {
    const columns = this.#columns.get(event);
    if (columns === undefined) return null;
    const said = data as Readonly<Record<string, unknown>>;
    const stored: Record<string, unknown> = {};
    for (const [name, { kind }] of columns) {
      if (!KINDS[kind](said[name])) {
        throw new TypeError(`The ${name} of ${event} is not a ${kind} that the database can keep.`);
      }
      stored[name] = said[name];
    }
    // JSON has dates in UTC.
    return JSON.stringify(stored);
  }

  /** Whether a retry, whose data are `encoded`, says the same as what was recorded. */
  isSame(event: string, encoded: string | null, recorded: StoredData): boolean {
    const columns = this.#columns.get(event);
    if (columns === undefined || encoded === null) return recorded === null;
    if (recorded === null) return false;
    // `jsonb` does not keep the order of the declaration.
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
      // The event was recorded before this datum was declared.
      if (value === undefined) continue;
      data[name] = kind === 'moment' ? new Date(String(value)) : value;
    }
    return data;
  }
}

/** For each kind, whether `jsonb` returns a value unchanged. */
const KINDS: Readonly<Record<DeclaredColumn['kind'], (value: unknown) => boolean>> = {
  // PostgreSQL takes neither U+0000 nor half a surrogate pair.
  text: (value) => typeof value === 'string' && !/[\0\p{Surrogate}]/u.test(value),
  int: (value) => Number.isInteger(value),
  moment: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  flag: (value) => typeof value === 'boolean',
};
