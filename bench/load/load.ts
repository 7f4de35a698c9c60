/** What is asked of a target, and what came of it: the words that all processes of the benchmark share. */
import { type RecordableHistogram, createHistogram } from 'node:perf_hooks';
import type { OperationName, Variables } from '../operations';

/** So many callers, each of whom sends its next request when it has the answer to the last. */
export interface Load {
  readonly operation: OperationName;
  readonly connections: number;
  readonly seconds: number;
  readonly variables: readonly Variables[];
  /** Whether nothing can be asked for twice: where the variables do not last, the load ends early. */
  readonly once: boolean;
}

export interface Throughput {
  /** How many right answers there were. */
  readonly answers: number;
  /** Anything else: a wrong answer, an error, none in time. */
  readonly wrong: number;
  /** For how long they were counted. */
  readonly seconds: number;
  /** Milliseconds until the answer, half of the time and ninety-nine times of a hundred. */
  readonly p50: number;
  readonly p99: number;
  /** The CPU time of the process that made the load, in seconds. */
  readonly processorTime: number;
}

/** Counts answers, and how long each took. */
export class Stopwatch {
  readonly #latencies: RecordableHistogram = createHistogram({ figures: 3 });
  #begin = performance.now();
  #processorTime = process.cpuUsage();
  #answers = 0;

  /** From now on, and nothing that was before. */
  start(): void {
    this.#begin = performance.now();
    this.#processorTime = process.cpuUsage();
    this.#answers = 0;
    this.#latencies.reset();
  }

  record(milliseconds: number): void {
    this.#answers += 1;
    // In whole microseconds, which is what a histogram of Node takes.
    this.#latencies.record(Math.max(1, Math.round(milliseconds * 1_000)));
  }

  /** @param wrong how many of what was recorded, or was not, were no right answers */
  stop(wrong: { readonly recorded: number; readonly unrecorded: number }): Throughput {
    const { user, system } = process.cpuUsage(this.#processorTime);
    return {
      answers: this.#answers - wrong.recorded,
      wrong: wrong.recorded + wrong.unrecorded,
      seconds: (performance.now() - this.#begin) / 1_000,
      p50: this.#latencies.percentile(50) / 1_000,
      p99: this.#latencies.percentile(99) / 1_000,
      processorTime: (user + system) / 1_000_000,
    };
  }
}
