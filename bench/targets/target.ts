/** A target: a measured process that serves operations, on a database of its own. */
import type { BenchmarkDatabase } from '../database/cluster';
import type { HttpLoad } from '../load/generator';
import type { Load, Throughput } from '../load/load';
import type { Worker } from '../processes';

export interface Target {
  readonly name: string;
  /** The server's process; null if there is no server, and the measured process makes the load itself. */
  readonly pid: number | null;
  readonly database: BenchmarkDatabase;
  /** Begins so many lives. @returns their ids */
  conceive(count: number): Promise<string[]>;
  /** @param begun called when the first request is sent */
  run(load: Load, begun?: () => void): Promise<Throughput>;
  stop(): Promise<void>;
}

/** A target that listens. */
export interface HttpTarget extends Target {
  readonly url: string;
}

/** The connections of every server to its database: the product's default. */
export const POOL_SIZE = 10;

/** The connections of a target without HTTP. Each runs one statement after another. */
export const SQL_CONNECTIONS = 16;

/** Puts a target that listens at a URL under load. */
export function overHttp(generator: Worker, url: string): Target['run'] {
  return async (load, begun) => {
    const question: HttpLoad = { ...load, url };
    return generator.ask<Throughput>(question, begun);
  };
}
