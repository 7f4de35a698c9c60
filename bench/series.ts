/**
 * One operation of one target, measured round by round. Owns what a round is: lives prepared, the database
 * settled, a warm-up, the measurement, and the check that what was answered is what was recorded.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cost, REPORTING_INTERVAL, type Reading, costBetween } from './database/cost';
import type { Load, Throughput } from './load/load';
import type { Variables } from './operations';
import { processorTimeOf } from './processorTime';
import type { Target } from './targets/target';

export interface Case {
  readonly target: Target;
  /** The operation, and what is special about it. */
  readonly title: string;
  readonly operation: Load['operation'];
  readonly connections: number;
  /** How long it is measured: whole seconds, see `readCost`. */
  readonly seconds: number;
  /** How long it is under load before that, so that caches and connections are as they stay. */
  readonly warmUp: number;
  /** @returns what to ask for, `count` times if each can be asked for only once */
  readonly variables: (count: number) => Promise<readonly Variables[]>;
}

export interface Round {
  /** Right answers a second. */
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  readonly wrong: number;
  /** Seconds of CPU time for each answer: of the server, if there is one, and of who made the load. */
  readonly serverTime: number;
  readonly loadTime: number;
  /** What the database has done for each answer. */
  readonly cost: Cost;
}

/** What was used up until a moment; all in seconds. */
interface Meters {
  readonly at: number;
  readonly serverTime: number;
  readonly database: Reading;
}

/** What is assumed of a target that was not measured yet: no more than this, in all and for each connection. */
const HIGHEST_RATE = 15_000;
const HIGHEST_RATE_OF_A_CONNECTION = 5_000;
/** So much faster than the fastest round so far may the next one be; and than code that was not compiled yet. */
const MARGIN = 1.5;
const MARGIN_AT_FIRST = 3;
/** A load goes on for so long before and after what it costs is measured, in seconds. */
const EDGE = 0.15;
/** Until what was in flight when a load ended has come to its end, in seconds. */
const GRACE = 0.25;

export class Series {
  readonly case: Case;
  readonly rounds: Round[] = [];
  /** More than this is not expected of the next round. */
  #highestRate: number;

  constructor(of: Case) {
    this.case = of;
    this.#highestRate = Math.min(HIGHEST_RATE, HIGHEST_RATE_OF_A_CONNECTION * of.connections);
  }

  /** Of each figure of its own. */
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

  /** A round that does not count, for the compiler in the process. */
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
    // A life is born once; whatever else is asked can be asked again.
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
      // It was faster than anybody thought, and there were too few lives: once more, with more of them.
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

  /** Puts the target under a load, and reads the meters in the midst of it, so many seconds apart. */
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

  /** Whoever answers faster than it records, or what it does not, is no part of a comparison. */
  #compare(answered: number, recorded: number): void {
    const { target, connections } = this.case;
    // At the end of each of the two loads, what was in flight is recorded, but its answer is not waited for.
    if (recorded >= answered && recorded <= answered + 2 * connections) return;
    throw new Error(`${target.name} answered ${answered} births and recorded ${recorded}.`);
  }
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** Compiles what will be measured: of each target and operation the series with the most connections is enough. */
export async function warmUp(all: readonly Series[], seconds: number): Promise<void> {
  const busiest = new Map<string, Series>();
  for (const series of all.toSorted((a, b) => a.case.connections - b.case.connections)) {
    busiest.set(`${series.case.target.name} ${series.case.title}`, series);
  }
  for (const series of busiest.values()) await series.warmUp(seconds);
}

/**
 * Round after round of all of them, each round beginning with another one, so that what changes with time
 * falls on all alike.
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
