/** Finds the records of machines at a time in the past, by when their transitions occurred. */
import type { MachineRecord } from '../machine';
import { type Numbered, recordOf, rowsByNumber, selected } from './columns';
import { GROUP_SIZE, type Operation } from './Operation';
import { wantedMachines } from './partition';
import type { MachineTables } from './tables';

export interface AsOfLookup {
  readonly id: string;
  readonly asOf: Date;
}

/** @returns an operation that answers an id and a time with the record of then, or null before the machine began */
export function findAsOf(
  tables: MachineTables,
): Operation<AsOfLookup, MachineRecord | null, Numbered> {
  const { names, history, owner, historyColumns } = tables;
  const wanted = wantedMachines(tables);
  const statement = {
    name: `${names.records}/find-as-of`,
    text: `
SELECT wanted.number AS "#number", ${selected(historyColumns, 'history')}
FROM ${wanted.numbered('wanted', ['moment', 'timestamptz'])}
CROSS JOIN LATERAL (
  SELECT * FROM ${history} AS history
  WHERE history.partition = wanted.partition AND history.${owner.name} = wanted.id
    AND history.occurred_at <= wanted.moment
  ORDER BY history.version DESC
  LIMIT 1
) AS history`,
  };
  return {
    lane: {
      name: 'find as of',
      groupSize: GROUP_SIZE,
      inFlight: 1,
      keyOf: ({ id, asOf }) => `${id} ${asOf.getTime()}`,
      ...wanted.lane(({ id }: AsOfLookup) => id),
    },
    query: (lookups) => {
      const ids = lookups.map(({ id }) => id);
      const moments = lookups.map(({ asOf }) => asOf.toISOString());
      return { statement, values: [wanted.partitions(ids), ids, moments] };
    },
    answers: (rows, lookups) => {
      const byNumber = rowsByNumber(rows);
      return lookups.map((_lookup, index) => {
        const row = byNumber.get(index + 1);
        return row === undefined ? null : recordOf(tables, row);
      });
    },
  };
}
