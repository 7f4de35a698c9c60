/** The loads and their results: the types that all processes of the benchmark share. */
import { type RecordableHistogram, createHistogram } from 'node:perf_hooks';
import type { OperationName, Variables } from '../operations';

/** A closed loop on each connection: it sends the next request after the answer to the last one. */
export interface Load {
  readonly operation: OperationName;
  readonly connections: number;
  readonly seconds: number;
  readonly variables: readonly Variables[];
  /** Whether each request may be sent only once. The load then ends early if the variables run out. */
  readonly once: boolean;
}

export interface Throughput {
  /** The number of correct answers. */
  readonly answers: number;
  /** The number of wrong answers, errors and timeouts. */
  readonly wrong: number;
  /** How long answers were counted, in seconds. */
  readonly seconds: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The CPU time of the load's own process, in seconds. */
  readonly processorTime: number;
}

/** Counts answers, and records their latencies. */
export class Stopwatch {
  readonly #latencies: RecordableHistogram = createHistogram({ figures: 3 });
  #begin = performance.now();
  #processorTime = process.cpuUsage();
  #answers = 0;

  /** Forgets all earlier answers. */
  start(): void {
    this.#begin = performance.now();
    this.#processorTime = process.cpuUsage();
    this.#answers = 0;
    this.#latencies.reset();
  }

  record(milliseconds: number): void {
    this.#answers += 1;
    // Node's histogram takes integers, here microseconds.
    this.#latencies.record(Math.max(1, Math.round(milliseconds * 1_000)));
  }

  /** @param wrong the number of wrong, failed or missing answers */
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
