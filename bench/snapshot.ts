/**
 * Births while somebody holds an old snapshot, which keeps PostgreSQL from clearing away what was replaced:
 * first of all the ledger's row, of which each group leaves a version behind.
 */
import { Client } from 'pg';
import type { Cluster } from './database/cluster';
import type { Worker } from './processes';
import { type Round, Series } from './series';
import { MANY_CONNECTIONS, type Settings } from './settings';
import { startOurs } from './targets/ours';
import { freshLives } from './variables';

export interface SnapshotRound {
  /** How long it had been held at the end of the round, in seconds; 0: nobody held one. */
  readonly heldFor: number;
  readonly round: Round;
}

/** @returns a round before, as many as there is time for, and one after */
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
  // Which takes the snapshot.
  await holder.query('SELECT FROM ledger');
  const since = performance.now() / 1_000;
  while ((await measure(since)) < settings.snapshot);
  await holder.end();
  await measure();
  await target.stop();
  return rounds;
}
