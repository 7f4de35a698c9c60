/** The product's performance promises, as ratios within one run: the bound that must hold, and the aim. */
import { type Feed, IDLE, NO_SUBSCRIBERS } from './feed';
import { FAR_END, FEW, MANY, NEWEST, RANDOM } from './growth';
import type { Round, Series } from './series';
import { MANY_CONNECTIONS } from './settings';
import { SQL_CONNECTIONS } from './targets/target';

export interface Claim {
  readonly claim: string;
  readonly ratio: number;
  /** undefined if the ratio is only reported. */
  readonly bound: Bound | undefined;
}

interface Bound {
  readonly is: 'at least' | 'at most';
  readonly promise: number;
  readonly aim: number;
}

/** Names a series of the run by its case. */
type Key = readonly [target: string, title: string, connections: number];
type Figure = (round: Round) => number;

const rate: Figure = (round) => round.rate;
const p50: Figure = (round) => round.p50;
const processorTime: Figure = ({ cost }) => cost.processorTime;
const flushes: Figure = ({ cost }) => cost.flushes;
const logBytes: Figure = ({ cost }) => cost.logBytes;

const atLeast = (promise: number, aim = promise): Bound => ({ is: 'at least', promise, aim });
const atMost = (promise: number, aim = promise): Bound => ({ is: 'at most', promise, aim });

const birth: Key = ['ours', 'birth', MANY_CONNECTIONS];
const life: Key = ['ours', 'life', MANY_CONNECTIONS];
const typename: Key = ['ours', 'typename', MANY_CONNECTIONS];
const rawSql: Key = ['raw SQL', 'birth', SQL_CONNECTIONS];
const ungrouped: Key = ['ungrouped', 'birth', SQL_CONNECTIONS];
const peer = (name: 'obvious' | 'fast', title: string): Key => [
  `${name} peer`,
  title,
  MANY_CONNECTIONS,
];
const few = (title: string): Key => [FEW, title, MANY_CONNECTIONS];
const many = (title: string): Key => [MANY, title, MANY_CONNECTIONS];

const claims: readonly (readonly [string, Figure, of: Key, to: Key, Bound?])[] = [
  ['birth: rate, of the obvious peer’s', rate, birth, peer('obvious', 'birth'), atLeast(6, 8)],
  ['birth: rate, of the fast peer’s', rate, birth, peer('fast', 'birth'), atLeast(1.6, 2)],
  ['birth: rate, of the same without groups', rate, birth, ungrouped, atLeast(2, 4)],
  ['birth: rate, of { __typename }', rate, birth, typename, atLeast(0.5, 0.6)],
  ['birth: the database’s CPU, of raw SQL', processorTime, birth, rawSql, atMost(1, 0.7)],
  ['birth: flushes, of raw SQL', flushes, birth, rawSql, atMost(0.4, 0.2)],
  ['birth: bytes of the log, of raw SQL', logBytes, birth, rawSql],
  ['birth: rate, of raw SQL', rate, birth, rawSql],
  [
    'birth: p50 at 1 connection, of raw SQL at 1',
    p50,
    ['ours', 'birth', 1],
    ['raw SQL', 'birth', 1],
    atMost(3),
  ],
  ['life: rate, of the obvious peer’s', rate, life, peer('obvious', 'life'), atLeast(3)],
  ['life: rate, of the fast peer’s', rate, life, peer('fast', 'life')],
  ['life: rate, of { __typename }', rate, life, typename, atLeast(0.65, 0.75)],
  ['many lives: birth of the newest, of few', rate, many(NEWEST), few(NEWEST), atLeast(0.85)],
  ['many lives: birth of random ones, of few', rate, many(RANDOM), few(NEWEST), atLeast(0.6)],
  ['many lives: life, of few', rate, many('life'), few('life'), atLeast(0.85)],
  ['many lives: lives at the far end, of few', rate, many(FAR_END), few(FAR_END), atLeast(0.85)],
  ['many lives: census, of few', rate, many('census'), few('census'), atLeast(0.85)],
  [
    'birth: rate, with idle subscribers, of with none',
    rate,
    [IDLE, 'birth', MANY_CONNECTIONS],
    [NO_SUBSCRIBERS, 'birth', MANY_CONNECTIONS],
    atLeast(0.8),
  ],
];

/** The claims about the feed: times as parts of a second, and rates as parts of plain pg's. */
function claimsOf({ deliveries, subscriber, plain }: Feed): Claim[] {
  return [
    ...deliveries.map(({ title, subscribers, perSecond, throughput }) => ({
      claim: `feed, ${title}, ${subscribers} told of ${perSecond}/s: p99, of a second`,
      ratio: throughput.p99 / 1_000,
      bound: atMost(1),
    })),
    {
      claim: 'feed, catching up: rate, of plain pg’s',
      ratio: subscriber.rate / plain.rate,
      bound: atLeast(0.2),
    },
  ];
}

/** @returns the claims of which the run has measured both sides */
export function settleClaims(series: readonly Series[], feed: Feed | undefined): Claim[] {
  const find = ([name, title, connections]: Key): Series | undefined =>
    series.find(
      ({ case: { target, ...each } }) =>
        target.name === name && each.title === title && each.connections === connections,
    );
  const settled = claims.flatMap(([claim, figure, of, to, bound]) => {
    const [above, below] = [find(of), find(to)];
    if (above === undefined || below === undefined) return [];
    return [{ claim, ratio: figure(above.median) / figure(below.median), bound }];
  });
  return feed ? [...settled, ...claimsOf(feed)] : settled;
}

/** Whether the promise or even the aim was reached; undefined if there is no promise. */
export function verdictOn({ ratio, bound }: Claim): 'aim' | 'promise' | 'missed' | undefined {
  if (bound === undefined) return undefined;
  const reaches = (limit: number): boolean =>
    bound.is === 'at least' ? ratio >= limit : ratio <= limit;
  if (reaches(bound.aim)) return 'aim';
  return reaches(bound.promise) ? 'promise' : 'missed';
}
