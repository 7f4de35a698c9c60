/**
 * `npm run bench`: reads the arguments, starts the targets, measures, and reports.
 *
 *   npm run bench                      everything, some eighteen minutes
 *   npm run bench -- birth life        these operations, beside peers and floors
 *   npm run bench -- growth snapshot   on many lives; while an old snapshot is held
 *   npm run bench -- feed              how soon subscribers get transitions, what they cost, how fast they catch up
 *   npm run bench -- partitions        how fast swaps commit with 1 to 8 partitions; not part of everything
 *   npm run bench -- instances         births through two instances, with 1 and 8 partitions; not part of everything
 *   npm run bench -- profile           where the server's time goes; not part of everything
 *   npm run bench -- --quick           only to see that it runs
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startComparison } from './comparison';
import { settleClaims, verdictOn } from './claims';
import { Cluster } from './database/cluster';
import { measureFlushTime } from './database/flushTime';
import { measureFeed } from './feed';
import { startGrowth } from './growth';
import { Worker } from './processes';
import { measurePartitions, startPairs } from './partitions';
import { profile } from './profile';
import { asJson, describe, describeDelivery, describeRound, describeSwaps, tally } from './report';
import { type Round, type Series, measureAlternately, warmUp } from './series';
import { quick, thorough } from './settings';
import { measureUnderSnapshot } from './snapshot';

const OPERATIONS = ['conceive', 'birth', 'life', 'lives'];
const PARTS = [...OPERATIONS, 'growth', 'snapshot', 'feed'];
const APART = ['partitions', 'instances', 'profile'];
const PROFILED = ['birth', 'life', 'lives'] as const;

const DATA = join(__dirname, '.data');
const RESULTS = join(__dirname, 'results.json');

async function main(ends: (() => Promise<void>)[]): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((part) => ![...PARTS, ...APART].includes(part));
  if (unknown.length > 0) {
    throw new Error(
      `Unknown: ${unknown.join(', ')}. The benchmark can measure ${[...PARTS, ...APART].join(', ')}.`,
    );
  }
  const wanted = new Set(positionals.length > 0 ? positionals : PARTS);
  const settings = values.quick ? quick : thorough;

  const cluster = await Cluster.start(DATA);
  ends.push(() => cluster.stop());
  const flushTime = await measureFlushTime(cluster.directory);
  const generator = await Worker.start('load/generator.ts');
  ends.push(() => generator.stop());

  if (wanted.has('partitions')) {
    const rates = await measurePartitions(cluster, settings, (line) => {
      console.error(line);
    });
    console.log(`\n${describeSwaps(rates)}`);
  }
  if (wanted.has('profile')) {
    for (const operation of PROFILED) {
      console.log(`\n${await profile(cluster, generator, operation, settings.profile)}`);
    }
  }
  const series: Series[] = [];
  const measure = async (some: readonly Series[]): Promise<void> => {
    await warmUp(some, settings.firstWarmUp);
    await measureAlternately(some, settings.rounds, tell);
    series.push(...some);
  };
  if (OPERATIONS.some((operation) => wanted.has(operation))) {
    const comparison = await startComparison(cluster, generator, wanted, settings);
    ends.push(comparison.stop);
    await measure(comparison.series);
  }
  if (wanted.has('instances')) {
    const pairs = await startPairs(cluster, settings, [1, 8]);
    ends.push(pairs.stop);
    await measure(pairs.series);
  }
  if (wanted.has('growth')) {
    const growth = await startGrowth(cluster, generator, settings);
    ends.push(growth.stop);
    await measure(growth.series);
  }
  const snapshot = wanted.has('snapshot')
    ? await measureUnderSnapshot(cluster, generator, settings, tell)
    : [];
  const feed = wanted.has('feed')
    ? await measureFeed(cluster, generator, settings, measure, (delivery) => {
        console.error(describeDelivery(delivery));
      })
    : undefined;

  if (series.length === 0 && snapshot.length === 0) return;
  const run = { settings, postgres: await cluster.version(), flushTime, series, snapshot, feed };
  console.log(`\n${describe(run)}`);
  writeFileSync(RESULTS, `${JSON.stringify(asJson(run), null, 2)}\n`);
  const missed = settleClaims(series, feed).some((claim) => verdictOn(claim) === 'missed');
  process.exitCode = tally(run).wrong > 0 || (missed && !values.quick) ? 1 : 0;
}

function tell(series: Series, round: Round): void {
  console.error(describeRound(series, round));
}

/** Stops everything that was started, the last one first, even after an interrupt. */
const ends: (() => Promise<void>)[] = [];
const interrupted = new Promise<void>((_resolve, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      reject(new Error(`Stopped by ${signal}.`));
    });
  }
});
Promise.race([main(ends), interrupted])
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const end of ends.reverse()) await end();
    // Idle connections of the load would keep the process running for a while.
    process.exit();
  });
