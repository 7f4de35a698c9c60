/**
 * Births while a session holds an old snapshot, which keeps PostgreSQL from removing dead rows. The ledger's row
 * suffers most, because each group leaves a dead version of it.
 */
import { Client } from 'pg';
import type { Cluster } from './database/cluster';
import type { Worker } from './processes';
import { type Round, Series } from './series';
import { MANY_CONNECTIONS, type Settings } from './settings';
import { startOurs } from './targets/ours';
import { freshLives } from './variables';

export interface SnapshotRound {
  /** The age of the snapshot at the end of the round, in seconds; 0 without a snapshot. */
  readonly heldFor: number;
  readonly round: Round;
}

/** @returns one round without a snapshot, as many with one as there is time for, and one after it */
export async function measureUnderSnapshot(
  cluster: Cluster,
  generator: Worker,
  settings: Settings,
  tell: (series: Series, round: Round) => void,
): Promise<readonly SnapshotRound[]> {
  const database = await cluster.createDatabase('old_snapshot');
  const target = await startOurs('old snapshot', database, generator);
  const series = new Series({
    target,
    title: 'birth',
    operation: 'birth',
    connections: MANY_CONNECTIONS,
    seconds: settings.seconds,
    warmUp: settings.warmUp,
    variables: freshLives(target),
  });
  const rounds: SnapshotRound[] = [];
  const measure = async (since?: number): Promise<number> => {
    const round = await series.measure();
    tell(series, round);
    const heldFor = since === undefined ? 0 : performance.now() / 1_000 - since;
    rounds.push({ heldFor, round });
    return heldFor;
  };

  await series.warmUp(settings.firstWarmUp);
  await measure();
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  // The first query takes the snapshot.
  await holder.query('SELECT FROM ledger');
  const since = performance.now() / 1_000;
  while ((await measure(since)) < settings.snapshot);
  await holder.end();
  await measure();
  await target.stop();
  return rounds;
}
