/** Compares the product on many lives with the product on few, in the same rounds. */
import type { BenchmarkDatabase, Cluster } from './database/cluster';
import { loadLives } from './database/million';
import type { Variables } from './operations';
import type { Worker } from './processes';
import { type Case, Series } from './series';
import { MANY_CONNECTIONS, type Settings } from './settings';
import { startOurs } from './targets/ours';
import type { HttpTarget } from './targets/target';
import { freshLives, nothing } from './variables';

export const FEW = 'few lives';
export const MANY = 'many lives';
export const NEWEST = 'birth of the newest';
export const RANDOM = 'birth of random ones';
export const FAR_END = 'lives at the far end';

/** The number of random lives that the load reads. */
const ASKED_FOR = 50_000;

export interface Growth {
  readonly series: readonly Series[];
  readonly stop: () => Promise<void>;
}

export async function startGrowth(
  cluster: Cluster,
  generator: Worker,
  settings: Settings,
): Promise<Growth> {
  const few = await startOurs(FEW, await cluster.createDatabase('few_lives'), generator);
  const many = await startOurs(MANY, await cluster.createDatabase('many_lives'), generator);
  // The small database, too, must have a page at its far end.
  await few.conceive(1_000);
  await loadLives(many.database.administrator, settings.lives);

  const seriesOf = (
    target: HttpTarget,
    title: string,
    operation: Case['operation'],
    variables: Case['variables'],
  ): Series =>
    new Series({
      target,
      title,
      operation,
      variables,
      connections: MANY_CONNECTIONS,
      seconds: settings.seconds,
      warmUp: settings.warmUp,
    });
  const both = [few, many];
  return {
    series: [
      ...both.map((target) => seriesOf(target, NEWEST, 'birth', freshLives(target))),
      seriesOf(many, RANDOM, 'birth', randomGestating(many)),
      ...both.map((target) => seriesOf(target, 'life', 'life', randomLives(target))),
      ...both.map((target) => seriesOf(target, FAR_END, 'lives', farEnd(target))),
      ...both.map((target) => seriesOf(target, 'census', 'census', nothing)),
    ],
    stop: async () => {
      for (const target of both) await target.stop();
    },
  };
}

/** Lives at random, with a uniform distribution. */
function randomLives({ database }: HttpTarget): Case['variables'] {
  return async () => idsOf(database, 'true', ASKED_FOR);
}

/**
 * Loaded lives that still gestate, with a uniform distribution, so that each is on other pages of tables and indexes.
 */
function randomGestating({ database }: HttpTarget): Case['variables'] {
  const loaded = `state_type = 'Gestating' AND created_at < now() - interval '3 hours'`;
  return async (count) => idsOf(database, loaded, count);
}

async function idsOf(
  { administrator }: BenchmarkDatabase,
  condition: string,
  count: number,
): Promise<Variables[]> {
  const { rows } = await administrator.query<{ id: string }>(
    `SELECT id FROM lives WHERE ${condition} ORDER BY random() LIMIT ${count}`,
  );
  return rows;
}

/** The page after the cursor of a life that is nearly the last. */
function farEnd({ url }: HttpTarget): Case['variables'] {
  return async () => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ lives(last: 50) { edges { cursor } } }' }),
    });
    // The type follows from the document.
    const { data } = (await response.json()) as {
      data: { lives: { edges: { cursor: string }[] } };
    };
    const [edge] = data.lives.edges;
    return edge === undefined ? [] : [{ after: edge.cursor }];
  };
}
