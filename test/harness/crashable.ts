/**
 * A database that a test can crash, and that comes back by itself: on a PostgreSQL of its own or, in a cluster, on one
 * whose workers a test can kill. Does not know what is in it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { startEmbeddedPostgres } from 'persistent-machine/database/embedded';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { startWorker, stopWorker } from './citus';
import { createTestDatabase } from './postgres';
import { isCitus } from './topology';

export interface CrashableDatabase {
  /** For its owner. */
  readonly url: string;
  /** Crashes it, or a worker of its cluster. */
  readonly crash: () => Promise<void>;
  /** Waits until it, and each worker, is there again. */
  readonly untilItIsBack: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts an empty one. */
export async function startCrashable(): Promise<CrashableDatabase> {
  return isCitus ? startInCluster() : startAlone();
}

/** Its crash is that of `pg_ctl stop -m immediate`. Its supervisor restarts it. */
async function startAlone(): Promise<CrashableDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'test-crash-'));
  const postgres = await startEmbeddedPostgres({ directory, log: () => undefined });
  return {
    url: postgres.url,
    crash: async () => {
      const superuser = new Client({ connectionString: postgres.superuserUrl });
      superuser.on('error', () => undefined);
      await superuser.connect();
      const { rows } = await superuser.query<{ file: string }>(
        `SELECT pg_read_file('postmaster.pid') AS file`,
      );
      const ended = new Promise((resolve) => superuser.once('end', resolve));
      process.kill(Number.parseInt(rows[0]?.file ?? '', 10), 'SIGQUIT');
      await ended;
    },
    untilItIsBack: async () => until(async () => answers(postgres.url)),
    stop: async () => {
      await postgres.stop();
      await rm(directory, { recursive: true });
    },
  };
}

/** How long a killed worker stays away, in milliseconds. */
const ABSENCE = 700;

async function startInCluster(): Promise<CrashableDatabase> {
  const { url, drop } = await createTestDatabase(null);
  let restarted: Promise<unknown> = Promise.resolve();
  let turn = 0;
  return {
    url,
    crash: async () => {
      await restarted;
      turn += 1;
      const worker = turn % 2 === 0 ? 1 : 2;
      await stopWorker(worker);
      restarted = delay(ABSENCE).then(async () => startWorker(worker));
    },
    untilItIsBack: async () => {
      await restarted;
    },
    stop: async () => {
      await restarted;
      await drop();
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}
