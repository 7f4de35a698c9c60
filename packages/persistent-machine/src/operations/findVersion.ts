/** Finds the records of machines at given versions. */
import type { MachineRecord } from '../machine';
import { type Numbered, recordOf, rowsByNumber, selected } from './columns';
import { type StoredData, selectedData } from './data';
import { GROUP_SIZE, type Operation } from './Operation';
import { wantedMachines } from './partition';
import type { MachineTables } from './tables';

export interface VersionLookup {
  readonly id: string;
  readonly version: number;
}

export interface Version {
  readonly record: MachineRecord;
  /** The token of the transition to this version. */
  readonly token: string | null;
  /** The data of its event. */
  readonly data: StoredData;
}

interface Row extends Numbered {
  readonly '#token': string | null;
  readonly '#data'?: StoredData;
}

/** @returns an operation that answers an id and a version with the record, or with null if there is no such version */
export function findVersion(tables: MachineTables): Operation<VersionLookup, Version | null, Row> {
  const wanted = wantedMachines(tables);
  const statement = {
    name: `${tables.names.records}/find-version`,
    text: `
SELECT wanted.number AS "#number", ${selected(tables.historyColumns, 'history')},
       history.token AS "#token"${selectedData(tables, 'history')}
FROM ${wanted.numbered('wanted', ['version', 'integer'])}
JOIN ${tables.history} AS history
  ON history.partition = wanted.partition AND history.${tables.owner.name} = wanted.id
  AND history.version = wanted.version`,
  };
  return {
    lane: {
      name: 'find version',
      groupSize: GROUP_SIZE,
      inFlight: 2,
      keyOf: ({ id, version }) => `${id} ${version}`,
      ...wanted.lane(({ id }: VersionLookup) => id),
    },
    query: (lookups) => {
      const ids = lookups.map(({ id }) => id);
      const versions = lookups.map(({ version }) => version);
      return { statement, values: [wanted.partitions(ids), ids, versions] };
    },
    answers: (rows, lookups) => {
      const byNumber = rowsByNumber(rows);
      return lookups.map((_lookup, index) => {
        const row = byNumber.get(index + 1);
        if (row === undefined) return null;
        const { '#token': token, '#data': data = null } = row;
        return { record: recordOf(tables, row), token, data };
      });
    },
  };
}
