/**
 * Finds the record of a machine and the transition recorded under an idempotency key, if any. Both come from one
 * snapshot: otherwise the record could show a transition that the search for the key had missed. For a caller without
 * a key the store makes one up, which names a version and the token of its transition.
 */
import type { MachineRecord } from '../machine';
import { type Numbered, recordOf, rowsByNumber, selected } from './columns';
import { type StoredData, selectedData } from './data';
import { GROUP_SIZE, type Operation } from './Operation';
import { wantedMachines } from './partition';
import type { MachineTables } from './tables';

export interface KeyedLookup {
  readonly id: string;
  readonly key: string;
}

export interface FoundWithKey {
  /** null if there is no such machine. */
  readonly record: MachineRecord | null;
  /** null if nothing was recorded under the key. */
  readonly recorded: Recorded | null;
}

/** What was recorded under an idempotency key. */
export interface Recorded {
  readonly key: string;
  readonly event: string;
  readonly occurredAt: Date;
  readonly data: StoredData;
  /** The record right after the transition. */
  readonly record: MachineRecord;
}

interface Row extends Numbered {
  readonly '#event': string | null;
  readonly '#occurredAt': Date;
  readonly '#data'?: StoredData;
}

/** The key with which a caller that gave none may retry. */
export function madeUpKey(version: number, token: string): string {
  return `retry:${version}:${token}`;
}

/** Prefix of the columns of the recorded transition's record. */
const RECORDED = '#recorded.';

const MADE_UP_KEY = /^retry:(\d{1,9}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** @returns an operation that answers an id and a key with what both find */
export function findWithKey(tables: MachineTables): Operation<KeyedLookup, FoundWithKey, Row> {
  const { names, records, history, owner, columns, historyColumns } = tables;
  const wanted = wantedMachines(tables);
  const statement = {
    name: `${names.records}/find-with-key`,
    text: `
SELECT wanted.number AS "#number", ${selected(columns, 'record')},
       ${selected(historyColumns, 'history', RECORDED)},
       history.event AS "#event", history.occurred_at AS "#occurredAt"${selectedData(tables, 'history')}
FROM ${wanted.numbered('wanted', ['key', 'text'], ['version', 'integer'], ['token', 'uuid'])}
JOIN ${records} AS record ON record.partition = wanted.partition AND record.id = wanted.id
LEFT JOIN LATERAL (
  SELECT * FROM ${history} AS history
  WHERE history.partition = wanted.partition AND history.${owner.name} = wanted.id
    AND history.idempotency_key = wanted.key
  UNION ALL
  SELECT * FROM ${history} AS history
  WHERE history.partition = wanted.partition AND history.${owner.name} = wanted.id
    AND history.version = wanted.version
    AND history.token = wanted.token
  LIMIT 1
) AS history ON true`,
  };
  return {
    lane: {
      name: 'find with key',
      groupSize: GROUP_SIZE,
      inFlight: 2,
      keyOf: ({ id, key }) => `${id} ${key}`,
      ...wanted.lane(({ id }: KeyedLookup) => id),
    },
    query: (lookups) => {
      const ids = lookups.map(({ id }) => id);
      const madeUp = lookups.map(({ key }) => MADE_UP_KEY.exec(key));
      return {
        statement,
        values: [
          wanted.partitions(ids),
          ids,
          lookups.map(({ key }) => key),
          // Null for a caller's own key.
          madeUp.map((match) => match?.[1] ?? null),
          madeUp.map((match) => match?.[2] ?? null),
        ],
      };
    },
    answers: (rows, lookups) => {
      const byNumber = rowsByNumber(rows);
      return lookups.map(({ key }, index) => {
        const row = byNumber.get(index + 1);
        if (row === undefined) return { record: null, recorded: null };
        const { '#event': event, '#occurredAt': occurredAt, '#data': data = null } = row;
        const recorded =
          event === null
            ? null
            : { key, event, occurredAt, data, record: recordOf(tables, row, RECORDED) };
        return { record: recordOf(tables, row), recorded };
      });
    },
  };
}
