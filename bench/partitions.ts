/**
 * How fast the ledger lets transitions commit, by its number of partitions. First the store's own swap in groups of 64,
 * over eight connections, on lives at random: with all triggers, without, and with slow flushes. All groups are made
 * before the measurement, so that the client takes little of the processor. Then births through two instances of the
 * product.
 */
import { randomUUID } from 'node:crypto';
import { Alive, Gestating, lives } from '../src/machine';
import type { Change } from 'persistent-machine/operations/change';
import { find } from 'persistent-machine/operations/find';
import type { Group } from 'persistent-machine/operations/Operation';
import { partitionOf } from 'persistent-machine/operations/partition';
import { swap } from 'persistent-machine/operations/swap';
import { run } from 'persistent-machine/store/Lanes';
import type { BenchmarkDatabase, Cluster } from './database/cluster';
import { costBetween } from './database/cost';
import { Worker } from './processes';
import { MANY_CONNECTIONS, type Settings } from './settings';
import { Series, median } from './series';
import { together } from './targets/instances';
import { startOurs } from './targets/ours';
import { type OurTables, conceiveOurs, openOurTables } from './targets/ourTables';
import { freshLives } from './variables';

const PARTITIONS = [1, 2, 4, 8];
const CONNECTIONS = 8;
const GROUP_SIZE = 64;
/** More swaps a second than any number of partitions has reached here. */
const HIGHEST_RATE = 30_000;
/** How much longer a flush takes where it is slow, in microseconds: as with a synchronous standby in another city. */
const SLOW = 5_000;

interface Kind {
  readonly hasTriggers: boolean;
  readonly hasSlowFlush: boolean;
}

const KINDS: readonly Kind[] = [
  { hasTriggers: true, hasSlowFlush: false },
  { hasTriggers: false, hasSlowFlush: false },
  { hasTriggers: true, hasSlowFlush: true },
];

/** Medians of the rounds. */
export interface SwapRate extends Kind {
  readonly partitions: number;
  /** Swaps a second. */
  readonly rate: number;
  /** The CPU time of the database for a swap, in seconds. */
  readonly processorTime: number;
}

interface Subject extends Kind {
  readonly partitions: number;
  readonly database: BenchmarkDatabase;
  readonly tables: OurTables;
  readonly rounds: Pick<SwapRate, 'rate' | 'processorTime'>[];
}

/** @param tell called with a line for each round */
export async function measurePartitions(
  cluster: Cluster,
  { rounds, seconds }: Settings,
  tell: (line: string) => void,
): Promise<readonly SwapRate[]> {
  const subjects: Subject[] = [];
  for (const [number, kind] of KINDS.entries()) {
    for (const partitions of PARTITIONS) {
      const database = await cluster.createDatabase(`swaps_${number}_${partitions}`);
      if (kind.hasSlowFlush) {
        for (const setting of [`commit_delay = ${SLOW}`, 'commit_siblings = 0']) {
          await database.administrator.query(
            `ALTER DATABASE swaps_${number}_${partitions} SET ${setting}`,
          );
        }
      }
      const tables = await openOurTables(database.url, CONNECTIONS, partitions);
      if (!kind.hasTriggers) {
        for (const table of ['lives', 'life_transitions', 'ledger']) {
          await database.administrator.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
        }
      }
      subjects.push({ ...kind, partitions, database, tables, rounds: [] });
    }
  }
  try {
    // The first round only prepares the statements and warms up the caches.
    for (let round = 0; round <= rounds; round += 1) {
      for (const subject of subjects) {
        const measured = await measureOnce(subject, round === 0 ? 1 : seconds);
        if (round > 0) subject.rounds.push(measured);
        const { partitions, hasTriggers, hasSlowFlush } = subject;
        const triggers = hasTriggers ? 'with triggers' : 'without';
        const flush = hasSlowFlush ? ', slow flushes' : '';
        tell(
          `swaps: ${partitions} partitions, ${triggers}${flush}: ${Math.round(measured.rate)}/s`,
        );
      }
    }
  } finally {
    for (const { tables } of subjects) await tables.close();
  }
  return subjects.map(({ partitions, hasTriggers, hasSlowFlush, rounds: all }) => ({
    partitions,
    hasTriggers,
    hasSlowFlush,
    rate: median(all.map(({ rate }) => rate)),
    processorTime: median(all.map(({ processorTime }) => processorTime)),
  }));
}

/**
 * @param numbers of partitions
 * @returns for each of them births through two instances, and what stops all instances
 */
export async function startPairs(
  cluster: Cluster,
  { seconds, warmUp }: Settings,
  numbers: readonly number[],
): Promise<{ readonly series: readonly Series[]; readonly stop: () => Promise<void> }> {
  const series: Series[] = [];
  const ends: (() => Promise<void>)[] = [];
  const generators = await Promise.all([0, 1].map(() => Worker.start('load/generator.ts')));
  for (const partitions of numbers) {
    const database = await cluster.createDatabase(`pair_${partitions}`);
    await (await openOurTables(database.url, 1, partitions)).close();
    const name = `two instances, ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`;
    const [first, second] = await Promise.all(
      generators.map((generator) => startOurs(name, database, generator)),
    );
    if (first === undefined || second === undefined) throw new Error('An instance is missing.');
    const target = together(name, first, second);
    ends.push(() => target.stop());
    series.push(
      new Series({
        target,
        title: 'birth',
        operation: 'birth',
        connections: 2 * MANY_CONNECTIONS,
        seconds,
        warmUp,
        variables: freshLives(target),
      }),
    );
  }
  return {
    series,
    stop: async () => {
      for (const end of [...ends, ...generators.map((generator) => () => generator.stop())]) {
        await end();
      }
    },
  };
}

async function measureOnce(
  { database, tables }: Subject,
  seconds: number,
): Promise<Pick<SwapRate, 'rate' | 'processorTime'>> {
  const ids = await conceiveOurs(tables, HIGHEST_RATE * seconds);
  const queries = groupsOf(tables, await changesOf(tables, ids)).map(swap(tables.tables).query);
  await database.settle();
  const before = await database.readCost();
  const started = performance.now();
  const end = started + seconds * 1_000;
  let swapped = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let query = queries.pop(); query && performance.now() < end; query = queries.pop()) {
        const rows = await tables.database.run(query.statement, query.values);
        if (rows.length !== GROUP_SIZE)
          throw new Error(`${rows.length} swaps of a group succeeded.`);
        swapped += rows.length;
      }
    }),
  );
  if (queries.length === 0) throw new Error('It was faster than expected, and the lives ran out.');
  const rate = (swapped * 1_000) / (performance.now() - started);
  const { processorTime } = costBetween(before, await database.readCost(), swapped);
  return { rate, processorTime };
}

/** The births of lives, in random order. */
async function changesOf(
  { database, tables }: OurTables,
  ids: readonly string[],
): Promise<Change[]> {
  const changes: Change[] = [];
  for (let first = 0; first < ids.length; first += 1_000) {
    const records = await run(find(tables), database, ids.slice(first, first + 1_000));
    for (const record of records) {
      const gestating = record && lives.phaseOf(record);
      if (!(gestating instanceof Gestating)) throw new Error('A new life does not gestate.');
      const alive = gestating.birth({ occurredAt: null, now: new Date() });
      if (!(alive instanceof Alive)) throw new Error('A birth was refused.');
      changes.push({
        partition: partitionOf(gestating.state.id, tables.partitions),
        record: alive.state,
        event: 'Birth',
        from: 'Gestating',
        data: null,
        occurredAt: alive.occurredAt,
        actor: null,
        idempotencyKey: null,
        token: randomUUID(),
      });
    }
  }
  return changes
    .map((change) => ({ change, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ change }) => change);
}

/** Whole groups, each of one partition; the partitions take turns. */
function groupsOf({ tables }: OurTables, changes: readonly Change[]): Group<Change>[] {
  const waiting = Array.from({ length: tables.partitions }, (): Change[] => []);
  const groups: Group<Change>[] = [];
  for (const change of changes) {
    const group = waiting[change.partition] ?? [];
    group.push(change);
    if (group.length < GROUP_SIZE) continue;
    // It is full, and so not empty.
    groups.push(group as unknown as Group<Change>);
    waiting[change.partition] = [];
  }
  return groups;
}
