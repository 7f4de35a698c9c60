/** Finds machines as they were at a time: by what had occurred by then. */
import type { MachineRecord } from '../machine';
import { recordOf, rowsByNumber, selected } from './columns';
import { GROUP_SIZE, type Operation } from './Operation';
import type { MachineTables } from './tables';

export interface AsOfLookup {
  readonly id: string;
  readonly asOf: Date;
}

interface Row {
  readonly number: string;
}

/** @returns an operation that answers an id and a time the record of then; null: the machine had not begun */
export function findAsOf<R extends MachineRecord>(
  tables: MachineTables,
): Operation<AsOfLookup, R | null, Row> {
  const { names, history, owner, historyColumns } = tables;
  const statement = {
    name: `${names.records}/find-as-of`,
    text: `
SELECT wanted.number, ${selected(historyColumns, 'history')}
FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS wanted (id, moment, number)
CROSS JOIN LATERAL (
  SELECT * FROM ${history} AS history
  WHERE history.${owner.name} = wanted.id AND history.occurred_at <= wanted.moment
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
    },
    query: (lookups) => ({
      statement,
      values: [lookups.map(({ id }) => id), lookups.map(({ asOf }) => asOf.toISOString())],
    }),
    answers: (rows, lookups) => {
      const byNumber = rowsByNumber(rows);
      return lookups.map((_lookup, index) => {
        const row = byNumber.get(index + 1);
        return row === undefined ? null : recordOf<R>(tables, row);
      });
    },
  };
}
