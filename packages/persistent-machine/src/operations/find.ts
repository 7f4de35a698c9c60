/** Finds the present records of machines. */
import type { MachineRecord } from '../machine';
import { selected } from './columns';
import { GROUP_SIZE, type Operation } from './Operation';
import type { MachineTables } from './tables';

/** @returns an operation that answers an id with its record, or with null if there is none */
export function find(
  tables: MachineTables,
): Operation<string, MachineRecord | null, MachineRecord> {
  const statement = {
    name: `${tables.names.records}/find`,
    text: `
SELECT ${selected(tables.columns, 'record')}
FROM ${tables.records} AS record
WHERE record.id = ANY ($1::uuid[])`,
  };
  return {
    lane: { name: 'find', groupSize: GROUP_SIZE, inFlight: 2, keyOf: (id) => id },
    query: (ids) => ({ statement, values: [ids] }),
    answers: (records, ids) => {
      const byId = new Map(records.map((record) => [record.id, record]));
      return ids.map((id) => byId.get(id) ?? null);
    },
  };
}
