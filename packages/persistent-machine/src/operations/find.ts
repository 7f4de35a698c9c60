/** Finds the present records of machines. */
import type { MachineRecord } from '../machine';
import { selected } from './columns';
import { GROUP_SIZE, type Operation } from './Operation';
import { wantedMachines } from './partition';
import type { MachineTables } from './tables';

/** @returns an operation that answers an id with its record, or with null if there is none */
export function find(
  tables: MachineTables,
): Operation<string, MachineRecord | null, MachineRecord> {
  const wanted = wantedMachines(tables);
  const statement = {
    name: `${tables.names.records}/find`,
    text: `
SELECT ${selected(tables.columns, 'record')}
FROM ${wanted.from('wanted')}
-- LIMIT, so that PostgreSQL looks up each id, also with a plan from when the table was small.
CROSS JOIN LATERAL (
  SELECT * FROM ${tables.records} AS record
  WHERE record.partition = wanted.partition AND record.id = wanted.id
  LIMIT 1
) AS record`,
  };
  return {
    lane: {
      name: 'find',
      groupSize: GROUP_SIZE,
      inFlight: 2,
      keyOf: (id) => id,
      ...wanted.lane((id: string) => id),
    },
    query: (ids) => ({ statement, values: [wanted.partitions(ids), ids] }),
    answers: (records, ids) => {
      const byId = new Map(records.map((record) => [record.id, record]));
      return ids.map((id) => byId.get(id) ?? null);
    },
  };
}
