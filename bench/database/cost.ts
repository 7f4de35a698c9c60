/** Reads what the database has done so far: the CPU time of its processes, and the flushes and bytes of its log. */
import type { Client } from 'pg';
import { parentOf, processorTimeOfFamily } from '../processorTime';

export interface Reading {
  /** CPU seconds of the postmaster and all its children. */
  readonly processorTime: number;
  readonly logBytes: number;
  /** The flushes of the log by each of the database's backends. */
  readonly flushesOf: ReadonlyMap<string, number>;
}

/** The difference of two readings, per second or per operation. */
export interface Cost {
  readonly processorTime: number;
  readonly logBytes: number;
  readonly flushes: number;
}

/**
 * How often a backend reports its flushes, in seconds, at the end of its next transaction. For exact figures, a load
 * must begin after such a pause, and readings must be whole seconds apart.
 */
export const REPORTING_INTERVAL = 1;

/** @param administrator a superuser's connection to the measured database */
export async function readCost(administrator: Client): Promise<Reading> {
  const { rows } = await administrator.query<{
    pid: number;
    logBytes: string;
    flushes: Readonly<Record<string, number>>;
  }>(`
SELECT pg_backend_pid() AS pid,
       pg_current_wal_insert_lsn() - '0/0' AS "logBytes",
       (
         SELECT jsonb_object_agg(activity.pid, fsyncs)
         FROM pg_stat_activity AS activity
         CROSS JOIN LATERAL (
           SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_get_backend_io(activity.pid) WHERE object = 'wal'
         ) AS io (fsyncs)
         WHERE activity.datname = current_database()
       ) AS flushes`);
  const [row] = rows;
  if (row === undefined) throw new Error('A SELECT without FROM has a row.');
  return {
    processorTime: processorTimeOfFamily(parentOf(row.pid) ?? 0),
    logBytes: Number(row.logBytes),
    flushesOf: new Map(Object.entries(row.flushes)),
  };
}

/** @param times the number of seconds or operations between the readings */
export function costBetween(before: Reading, after: Reading, times: number): Cost {
  // Backend by backend, because a backend that has ended meanwhile is missing in the second reading.
  const flushes = [...after.flushesOf].reduce(
    (sum, [backend, count]) => sum + count - (before.flushesOf.get(backend) ?? 0),
    0,
  );
  return {
    processorTime: (after.processorTime - before.processorTime) / times,
    logBytes: (after.logBytes - before.logBytes) / times,
    flushes: flushes / times,
  };
}
