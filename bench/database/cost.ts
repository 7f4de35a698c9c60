/** What the database has done so far: the CPU time of all its processes, and the flushes and bytes of its log. */
import type { Client } from 'pg';
import { parentOf, processorTimeOfFamily } from '../processorTime';

export interface Reading {
  /** Seconds, of the postmaster and of all its children. */
  readonly processorTime: number;
  readonly logBytes: number;
  /** How often the log was flushed to the disk by each of the database's backends. */
  readonly flushesOf: ReadonlyMap<string, number>;
}

/** What was done between two readings, for each second or for each operation. */
export interface Cost {
  readonly processorTime: number;
  readonly logBytes: number;
  readonly flushes: number;
}

/**
 * How often a backend reports its flushes, in seconds: at the end of the first transaction after that. So it
 * is a load that was begun after such a pause, and readings whole seconds apart, that are told truthfully.
 */
export const REPORTING_INTERVAL = 1;

/** @param administrator a superuser's connection to the database in question */
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

/** @param times how many seconds there were between the readings, or operations */
export function costBetween(before: Reading, after: Reading, times: number): Cost {
  // One by one, since those of a backend that has ended meanwhile are no longer told.
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
