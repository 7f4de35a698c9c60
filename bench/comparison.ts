/** Compares the product with its peers and its floors, each on an empty database of its own. */
import type { Cluster } from './database/cluster';
import type { OperationName } from './operations';
import type { Worker } from './processes';
import { type Case, Series } from './series';
import { MANY_CONNECTIONS, type Settings } from './settings';
import { startOurs } from './targets/ours';
import { startPeer, startRawSql, startUngrouped } from './targets/peers';
import { SQL_CONNECTIONS, type Target } from './targets/target';
import { variablesFor } from './variables';

/** The operations with a promise, at many connections or as a floor. */
const promised = new Set<OperationName>(['typename', 'birth', 'life']);

export interface Comparison {
  readonly series: readonly Series[];
  readonly stop: () => Promise<void>;
}

/** @param wanted the operations to measure, each with its floors */
export async function startComparison(
  cluster: Cluster,
  generator: Worker,
  wanted: ReadonlySet<string>,
  settings: Settings,
): Promise<Comparison> {
  const ours = await startOurs('ours', await cluster.createDatabase('ours'), generator);
  const peer = async (name: string, program: string, database: string): Promise<Target> =>
    startPeer(name, program, await cluster.createDatabase(database), generator);
  const peers = [
    await peer('obvious peer', 'targets/obviousPeer.ts', 'obvious_peer'),
    await peer('fast peer', 'targets/fastPeer.ts', 'fast_peer'),
  ];
  const rawSql = await startRawSql(await cluster.createDatabase('raw_sql'));
  const ungrouped = await startUngrouped(await cluster.createDatabase('ungrouped'));
  const targets = [ours, ...peers, rawSql, ungrouped];

  const casesOf = (
    target: Target,
    operations: readonly OperationName[],
    connections: readonly number[],
  ): Case[] =>
    operations.flatMap((operation) =>
      connections.map((number) => ({
        target,
        title: operation,
        operation,
        connections: number,
        seconds:
          promised.has(operation) && (number === MANY_CONNECTIONS || target.pid === null)
            ? settings.seconds
            : settings.secondsOfOthers,
        warmUp: settings.warmUp,
        variables: variablesFor(target, operation),
      })),
    );
  const cases = [
    ...casesOf(ours, ['typename'], [MANY_CONNECTIONS]),
    ...casesOf(ours, ['conceive', 'birth', 'life', 'lives'], [1, 16, MANY_CONNECTIONS]),
    ...peers.flatMap((each) => casesOf(each, ['birth', 'life'], [16, MANY_CONNECTIONS])),
    ...casesOf(rawSql, ['birth'], [1, SQL_CONNECTIONS]),
    ...casesOf(ungrouped, ['birth'], [SQL_CONNECTIONS]),
  ];
  return {
    series: cases
      .filter(({ operation }) => operation === 'typename' || wanted.has(operation))
      .map((each) => new Series(each)),
    stop: async () => {
      for (const target of targets) await target.stop();
    },
  };
}
