/**
 * Measures one operation of one target, round by round. Owns the steps of a round: prepare lives, settle the
 * database, warm up, measure, and compare the answers with the records.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cost, REPORTING_INTERVAL, type Reading, costBetween } from './database/cost';
import type { Load, Throughput } from './load/load';
import type { Variables } from './operations';
import { processorTimeOf } from './processorTime';
import type { Target } from './targets/target';

export interface Case {
  readonly target: Target;
  /** The operation, and what distinguishes this case. */
  readonly title: string;
  readonly operation: Load['operation'];
  readonly connections: number;
  /** How long to measure, in whole seconds: see `readCost`. */
  readonly seconds: number;
  /** How long to warm up caches and connections before, in seconds. */
  readonly warmUp: number;
  /** @returns the variables of requests: `count` of them, if each can be sent only once */
  readonly variables: (count: number) => Promise<readonly Variables[]>;
}

export interface Round {
  /** Correct answers per second. */
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  readonly wrong: number;
  /** CPU seconds per answer: of the server, if there is one, and of the load's process. */
  readonly serverTime: number;
  readonly loadTime: number;
  /** The database's costs per answer. */
  readonly cost: Cost;
}

/** The CPU time used up to a moment, in seconds. */
interface Meters {
  readonly at: number;
  readonly serverTime: number;
  readonly database: Reading;
}

/** The highest assumed rates of a target that is not measured yet: in total, and per connection. */
const HIGHEST_RATE = 15_000;
const HIGHEST_RATE_OF_A_CONNECTION = 5_000;
/** How many times faster the next round may be than the fastest so far, and than the round with uncompiled code. */
const MARGIN = 1.5;
const MARGIN_AT_FIRST = 3;
/** How long a load runs before and after its costs are measured, in seconds. */
const EDGE = 0.15;
/** How long requests in flight at the end of a load may take, in seconds. */
const GRACE = 0.25;

export class Series {
  readonly case: Case;
  readonly rounds: Round[] = [];
  /** The highest expected rate of the next round. */
  #highestRate: number;

  constructor(of: Case) {
    this.case = of;
    this.#highestRate = Math.min(HIGHEST_RATE, HIGHEST_RATE_OF_A_CONNECTION * of.connections);
  }

  /** The medians, each figure's taken by itself. */
  get median(): Round {
    const of = (figure: (round: Round) => number): number => median(this.rounds.map(figure));
    return {
      rate: of(({ rate }) => rate),
      p50: of(({ p50 }) => p50),
      p99: of(({ p99 }) => p99),
      answers: of(({ answers }) => answers),
      wrong: of(({ wrong }) => wrong),
      serverTime: of(({ serverTime }) => serverTime),
      loadTime: of(({ loadTime }) => loadTime),
      cost: {
        processorTime: of(({ cost }) => cost.processorTime),
        flushes: of(({ cost }) => cost.flushes),
        logBytes: of(({ cost }) => cost.logBytes),
      },
    };
  }

  /** A round that does not count, so that V8 compiles the code. */
  async warmUp(seconds: number): Promise<void> {
    const { rate } = await this.#measure(seconds, 1);
    this.#highestRate = rate * MARGIN_AT_FIRST;
  }

  async measure(): Promise<Round> {
    const round = await this.#measure(this.case.warmUp, this.case.seconds);
    this.rounds.push(round);
    this.#highestRate = Math.max(...this.rounds.map(({ rate }) => rate)) * MARGIN;
    return round;
  }

  async #measure(warmUp: number, seconds: number): Promise<Round> {
    const { target, operation, connections } = this.case;
    const { database } = target;
    // A life is born only once. All other requests can be repeated.
    const once = operation === 'birth';
    const load = { operation, connections, once };
    const whole = seconds + 2 * EDGE;
    const variables = await this.case.variables(Math.ceil(this.#highestRate * (warmUp + whole)));
    const ofWarmUp = once ? Math.ceil((variables.length * warmUp) / (warmUp + whole)) : 0;
    await database.settle();
    const birthsBefore = await database.countBirths();

    const warm = await target.run({
      ...load,
      seconds: warmUp,
      variables: once ? variables.slice(0, ofWarmUp) : variables,
    });
    if (operation === 'birth' || operation === 'conceive') await sleep(REPORTING_INTERVAL * 1_000);
    const { throughput, before, after } = await this.#meter(
      { ...load, seconds: whole, variables: variables.slice(ofWarmUp) },
      seconds,
    );
    if (throughput.seconds < seconds) {
      // The target was faster than expected, and the lives ran out: repeats the round with more lives.
      this.#highestRate *= 2;
      return this.#measure(warmUp, seconds);
    }

    await sleep(GRACE * 1_000);
    const births = once ? warm.answers + throughput.answers : 0;
    this.#compare(births, (await database.countBirths()) - birthsBefore);

    const rate = throughput.answers / throughput.seconds;
    const answers = rate * (after.at - before.at);
    return {
      rate,
      p50: throughput.p50,
      p99: throughput.p99,
      answers: throughput.answers,
      wrong: warm.wrong + throughput.wrong,
      loadTime: throughput.processorTime / throughput.answers,
      serverTime: (after.serverTime - before.serverTime) / answers,
      cost: costBetween(before.database, after.database, answers),
    };
  }

  /** Puts the target under a load, and reads the costs twice in the midst of it, so many seconds apart. */
  async #meter(
    load: Load,
    seconds: number,
  ): Promise<{ throughput: Throughput; before: Meters; after: Meters }> {
    return new Promise((resolve, reject) => {
      const read = async (): Promise<[Meters, Meters]> => {
        await sleep(EDGE * 1_000);
        const before = await this.#readMeters();
        await sleep(seconds * 1_000);
        return [before, await this.#readMeters()];
      };
      const running = this.case.target.run(load, () => {
        Promise.all([running, read()]).then(([throughput, [before, after]]) => {
          resolve({ throughput, before, after });
        }, reject);
      });
      running.catch(reject);
    });
  }

  async #readMeters(): Promise<Meters> {
    const { pid, database } = this.case.target;
    return {
      database: await database.readCost(),
      serverTime: pid === null ? NaN : processorTimeOf(pid),
      at: performance.now() / 1_000,
    };
  }

  /** @throws Error if the target has answered births that it has not recorded */
  #compare(answered: number, recorded: number): void {
    const { target, connections } = this.case;
    // At the end of each of the two loads, requests in flight are recorded, but their answers are not counted.
    if (recorded >= answered && recorded <= answered + 2 * connections) return;
    throw new Error(`${target.name} answered ${answered} births and recorded ${recorded}.`);
  }
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** Lets V8 compile the code. For each target and operation, the series with the most connections is enough. */
export async function warmUp(all: readonly Series[], seconds: number): Promise<void> {
  const busiest = new Map<string, Series>();
  for (const series of all.toSorted((a, b) => a.case.connections - b.case.connections)) {
    busiest.set(`${series.case.target.name} ${series.case.title}`, series);
  }
  for (const series of busiest.values()) await series.warmUp(seconds);
}

/**
 * Measures all series round by round. Each round begins with another series, so that changes over time affect all
 * alike.
 */
export async function measureAlternately(
  all: readonly Series[],
  rounds: number,
  tell: (series: Series, round: Round) => void,
): Promise<void> {
  for (let number = 0; number < rounds; number += 1) {
    const first = Math.floor((all.length * number) / rounds);
    for (const series of [...all.slice(first), ...all.slice(0, first)]) {
      tell(series, await series.measure());
    }
  }
}
