/** Finds machines as they were at one of their versions. */
import type { MachineRecord } from '../machine';
import { recordOf, rowsByNumber, selected } from './columns';
import { GROUP_SIZE, type Operation } from './Operation';
import type { MachineTables } from './tables';

export interface VersionLookup {
  readonly id: string;
  readonly version: number;
}

export interface Version<R> {
  readonly record: R;
  /** Of the transition that made it so. */
  readonly token: string | null;
}

interface Row {
  readonly number: string;
  readonly token: string | null;
}

/** @returns an operation that answers an id and a version what is recorded of it; null: there is no such version */
export function findVersion<R extends MachineRecord>(
  tables: MachineTables,
): Operation<VersionLookup, Version<R> | null, Row> {
  const statement = {
    name: `${tables.names.records}/find-version`,
    text: `
SELECT wanted.number, ${selected(tables.historyColumns, 'history')}, history.token
FROM unnest($1::uuid[], $2::integer[]) WITH ORDINALITY AS wanted (id, version, number)
JOIN ${tables.history} AS history
  ON history.${tables.owner.name} = wanted.id AND history.version = wanted.version`,
  };
  return {
    lane: {
      name: 'find version',
      groupSize: GROUP_SIZE,
      inFlight: 2,
      keyOf: ({ id, version }) => `${id} ${version}`,
    },
    query: (lookups) => ({
      statement,
      values: [lookups.map(({ id }) => id), lookups.map(({ version }) => version)],
    }),
    answers: (rows, lookups) => {
      const byNumber = rowsByNumber(rows);
      return lookups.map((_lookup, index) => {
        const row = byNumber.get(index + 1);
        return row === undefined ? null : { record: recordOf<R>(tables, row), token: row.token };
      });
    },
  };
}
