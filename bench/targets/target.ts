/** What is measured: a process that serves operations, on a database of its own. */
import type { BenchmarkDatabase } from '../database/cluster';
import type { HttpLoad } from '../load/generator';
import type { Load, Throughput } from '../load/load';
import type { Worker } from '../processes';

export interface Target {
  readonly name: string;
  /** Of the server; null where there is none, and the load is made in the process that is measured. */
  readonly pid: number | null;
  readonly database: BenchmarkDatabase;
  /** @returns the ids of so many new lives */
  conceive(count: number): Promise<string[]>;
  /** @param begun told when the first request is sent */
  run(load: Load, begun?: () => void): Promise<Throughput>;
  stop(): Promise<void>;
}

/** A target that listens. */
export interface HttpTarget extends Target {
  readonly url: string;
}

/** Connections to the database: for every server the same, the product's default. */
export const POOL_SIZE = 10;

/** Connections, and loops of one statement after another, of what is called without HTTP. */
export const SQL_CONNECTIONS = 16;

/** How a target is put under load that listens at a URL. */
export function overHttp(generator: Worker, url: string): Target['run'] {
  return async (load, begun) => {
    const question: HttpLoad = { ...load, url };
    return generator.ask<Throughput>(question, begun);
  };
}
