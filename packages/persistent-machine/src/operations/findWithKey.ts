/**
 * Finds machines, each together with the transition that was recorded under an idempotency key, if any: in one
 * snapshot, so that no transition is overlooked which the record shows. A key may also be one that we made up for a
 * caller who gave none: it names a version, and the token of that version's transition.
 */
import type { MachineRecord } from '../machine';
import { type Numbered, recordOf, rowsByNumber, selected } from './columns';
import { type StoredData, selectedData } from './data';
import { GROUP_SIZE, type Operation } from './Operation';
import type { MachineTables } from './tables';

export interface KeyedLookup {
  readonly id: string;
  readonly key: string;
}

export interface FoundWithKey {
  /** null: there is no such machine. */
  readonly record: MachineRecord | null;
  /** null: nothing was recorded under the key. */
  readonly recorded: Recorded | null;
}

/** What was recorded under an idempotency key. */
export interface Recorded {
  readonly key: string;
  readonly event: string;
  readonly occurredAt: Date;
  readonly data: StoredData;
  /** As it was right after. */
  readonly record: MachineRecord;
}

interface Row extends Numbered {
  readonly '#event': string | null;
  readonly '#occurredAt': Date;
  readonly '#data'?: StoredData;
}

/** The key that a caller who gave none may try again with. */
export function madeUpKey(version: number, token: string): string {
  return `retry:${version}:${token}`;
}

/** What the names of the columns begin with that the record had right after the transition. */
const RECORDED = '#recorded.';

const MADE_UP_KEY = /^retry:(\d{1,9}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** @returns an operation that answers an id and a key what is found by both */
export function findWithKey(tables: MachineTables): Operation<KeyedLookup, FoundWithKey, Row> {
  const { names, records, history, owner, columns, historyColumns } = tables;
  const statement = {
    name: `${names.records}/find-with-key`,
    text: `
SELECT wanted.number AS "#number", ${selected(columns, 'record')},
       ${selected(historyColumns, 'history', RECORDED)},
       history.event AS "#event", history.occurred_at AS "#occurredAt"${selectedData(tables, 'history')}
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::uuid[])
  WITH ORDINALITY AS wanted (id, key, version, token, number)
JOIN ${records} AS record ON record.id = wanted.id
LEFT JOIN LATERAL (
  SELECT * FROM ${history} AS history
  WHERE history.${owner.name} = wanted.id AND history.idempotency_key = wanted.key
  UNION ALL
  SELECT * FROM ${history} AS history
  WHERE history.${owner.name} = wanted.id AND history.version = wanted.version
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
    },
    query: (lookups) => {
      const madeUp = lookups.map(({ key }) => MADE_UP_KEY.exec(key));
      return {
        statement,
        values: [
          lookups.map(({ id }) => id),
          lookups.map(({ key }) => key),
          // Null for a key that is the caller's own.
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
