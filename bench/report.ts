/** Reports a run: tables for the terminal, and all figures for the file. Does not know how they were measured. */
import { cpus, release, totalmem, type as platform } from 'node:os';
import { type Claim, settleClaims, verdictOn } from './claims';
import type { FlushTime } from './database/flushTime';
import type { Delivery, Feed, Readings } from './feed';
import type { SwapRate } from './partitions';
import type { Round, Series } from './series';
import type { Settings } from './settings';
import type { SnapshotRound } from './snapshot';

export interface Run {
  readonly settings: Settings;
  readonly postgres: string;
  readonly flushTime: FlushTime;
  readonly series: readonly Series[];
  readonly snapshot: readonly SnapshotRound[];
  readonly feed: Feed | undefined;
}

/** Counts all answers, deliveries and readings, and the wrong ones. */
export function tally({ series, snapshot, feed }: Pick<Run, 'series' | 'snapshot' | 'feed'>): {
  readonly answers: number;
  readonly wrong: number;
} {
  const counted = [
    ...series.flatMap(({ rounds }) => rounds),
    ...snapshot.map(({ round }) => round),
    ...(feed?.deliveries.map(({ throughput }) => throughput) ?? []),
    ...[...(feed?.subscriber.readings ?? []), ...(feed?.plain.readings ?? [])].map(
      ({ rows, wrong }) => ({ answers: rows, wrong }),
    ),
  ];
  return {
    answers: counted.reduce((sum, { answers }) => sum + answers, 0),
    wrong: counted.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

/** The report as text, for the terminal. */
export function describe(run: Run): string {
  const { flushTime, series, snapshot, feed } = run;
  const { processor, cores, node } = machine();
  const { answers, wrong } = tally(run);
  return [
    `${processor}, ${cores} cores, Node.js ${node}, PostgreSQL ${run.postgres}; 8 kB flushed in ` +
      `${flushTime.microseconds} µs (${flushTime.measuredBy})`,
    table(HEADINGS, series.map(rowOf)),
    table(CLAIM_HEADINGS, settleClaims(series, feed).map(rowOfClaim)),
    table(SNAPSHOT_HEADINGS, snapshot.map(rowOfSnapshot)),
    table(DELIVERY_HEADINGS, feed?.deliveries.map(rowOfDelivery) ?? []),
    table(READINGS_HEADINGS, feed ? [feed.subscriber, feed.plain].map(rowOfReadings) : []),
    `${grouped(answers)} correct answers, ${grouped(wrong)} wrong ones. ` +
      `Each figure is the median of ${run.settings.rounds} rounds.`,
  ]
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

/** The rates of swaps by the number of partitions, each beside that of one partition. */
export function describeSwaps(rates: readonly SwapRate[]): string {
  return table(
    SWAP_HEADINGS,
    rates.map(({ partitions, hasTriggers, hasSlowFlush, rate, processorTime }) => {
      const one = rates.find(
        (each) =>
          each.partitions === 1 &&
          each.hasTriggers === hasTriggers &&
          each.hasSlowFlush === hasSlowFlush,
      );
      return [
        String(partitions),
        hasTriggers ? 'on' : 'off',
        hasSlowFlush ? '5 ms slower' : '',
        grouped(rate),
        (rate / (one?.rate ?? NaN)).toFixed(2),
        (processorTime * 1_000_000).toFixed(0),
      ];
    }),
  );
}

/** The report as JSON, for programs. */
export function asJson(run: Run): object {
  const { series, ...others } = run;
  return {
    measuredAt: new Date().toISOString(),
    machine: machine(),
    ...others,
    series: series.map(({ case: { target, title, connections }, median, rounds }) => ({
      target: target.name,
      title,
      connections,
      median,
      rounds,
    })),
    claims: settleClaims(series, run.feed).map((claim) => ({
      ...claim,
      verdict: verdictOn(claim),
    })),
  };
}

/** A line for one round, printed when it is measured. */
export function describeRound(
  { case: { target, title, connections } }: Series,
  round: Round,
): string {
  const wrong = round.wrong > 0 ? `, ${round.wrong} wrong answers` : '';
  return `${target.name}: ${title} at ${connections}: ${grouped(round.rate)}/s${wrong}`;
}

/** The same for the feed. */
export function describeDelivery({ title, subscribers, perSecond, throughput }: Delivery): string {
  const wrong = throughput.wrong > 0 ? `, ${throughput.wrong} wrong deliveries` : '';
  return `feed: ${title}, ${subscribers} subscribers at ${perSecond}/s: p99 ${throughput.p99.toFixed(2)} ms${wrong}`;
}

const SWAP_HEADINGS = [
  'partitions',
  'triggers',
  'flushes',
  'swaps/s',
  'of 1 partition',
  'database µs',
];
const CLAIM_HEADINGS = ['', 'ratio', 'promised', 'aim', ''];
const SNAPSHOT_HEADINGS = ['birth, a snapshot held for', 'rate/s', 'p50 ms', 'p99 ms'];
const DELIVERY_HEADINGS = [
  'feed',
  'subscribers',
  'transitions/s',
  'deliveries',
  'p50 ms',
  'p99 ms',
  'server MB without',
  'with them',
];
const READINGS_HEADINGS = ['catching up', 'rows/s', 'readings'];
const HEADINGS = [
  '',
  'operation',
  'connections',
  'rate/s',
  'p50 ms',
  'p99 ms',
  'load µs',
  'server µs',
  'database µs',
  'flushes',
  'log bytes',
];

function rowOf({ case: { target, title, connections }, median }: Series): string[] {
  const { rate, p50, p99, loadTime, serverTime, cost } = median;
  return [
    target.name,
    title,
    String(connections),
    grouped(rate),
    p50.toFixed(2),
    p99.toFixed(2),
    microseconds(loadTime),
    microseconds(serverTime),
    microseconds(cost.processorTime),
    cost.flushes.toFixed(3),
    grouped(cost.logBytes),
  ];
}

function rowOfClaim(claim: Claim): string[] {
  const { ratio, bound } = claim;
  const limit = (value: number): string => `${bound?.is === 'at most' ? '≤' : '≥'} ${value}`;
  const verdict = {
    aim: 'the aim is reached',
    promise: 'kept',
    missed: 'NOT KEPT',
  };
  const reached = verdictOn(claim);
  return [
    claim.claim,
    ratio.toFixed(2),
    bound ? limit(bound.promise) : '',
    bound && bound.aim !== bound.promise ? limit(bound.aim) : '',
    reached ? verdict[reached] : '',
  ];
}

function rowOfSnapshot({ heldFor, round: { rate, p50, p99 } }: SnapshotRound): string[] {
  const held = heldFor === 0 ? 'none is held' : `${heldFor.toFixed(0)} s`;
  return [held, grouped(rate), p50.toFixed(2), p99.toFixed(2)];
}

function rowOfDelivery(delivery: Delivery): string[] {
  const { title, subscribers, perSecond, throughput, memory } = delivery;
  return [
    title,
    grouped(subscribers),
    String(perSecond),
    grouped(throughput.answers),
    throughput.p50.toFixed(2),
    throughput.p99.toFixed(2),
    memory ? megabytes(memory.before) : '',
    memory ? megabytes(memory.subscribed) : '',
  ];
}

function rowOfReadings({ title, rate, readings }: Readings): string[] {
  return [title, grouped(rate), String(readings.length)];
}

/** Aligns words to the left and figures to the right. Empty if there are no rows. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  const isFigure = (column: number): boolean =>
    rows.some((row) => /^[\d,.]+$/.test(row[column] ?? ''));
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => {
        const text = row[column] ?? '';
        return isFigure(column) ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [
    line(headings),
    widths.map((width) => '─'.repeat(width)).join('──'),
    ...rows.map(line),
  ].join('\n');
}

function microseconds(seconds: number): string {
  return Number.isNaN(seconds) ? '' : (seconds * 1e6).toFixed(0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function grouped(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function machine(): Record<string, string | number> {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    system: `${platform()} ${release()}`,
    node: process.version,
  };
}
