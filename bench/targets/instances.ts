/**
 * Several instances of the product on one database, as one target: each has a generator of its own, and all get an equal
 * share of a load. Does not know how an instance is started.
 */
import type { Load, Throughput } from '../load/load';
import type { HttpTarget, Target } from './target';

/**
 * @param name of the target
 * @param first the instance that also prepares lives
 * @param others further instances on the same database
 */
export function together(
  name: string,
  first: HttpTarget,
  ...others: readonly HttpTarget[]
): Target {
  const instances = [first, ...others];
  return {
    name,
    pid: null,
    database: first.database,
    conceive: (count) => first.conceive(count),
    run: async (load, begun) => {
      const begin = begunOnce(instances.length, begun);
      return sum(
        await Promise.all(
          instances.map(async (instance, index) =>
            instance.run(shareOf(load, index, instances.length), begin),
          ),
        ),
      );
    },
    stop: async () => {
      for (const instance of instances) await instance.stop();
    },
  };
}

function shareOf(load: Load, index: number, count: number): Load {
  const variables = load.once
    ? load.variables.filter((_variables, number) => number % count === index)
    : load.variables;
  return { ...load, connections: load.connections / count, variables };
}

/** @returns a callback that calls back when it was called as often as there are loads */
function begunOnce(loads: number, begun: (() => void) | undefined): () => void {
  let missing = loads;
  return () => {
    missing -= 1;
    if (missing === 0) begun?.();
  };
}

/** Answers add up. Of times, which differ little between the loads, the longest counts. */
function sum(all: readonly Throughput[]): Throughput {
  const total = (of: (each: Throughput) => number): number =>
    all.reduce((amount, each) => amount + of(each), 0);
  const longest = (of: (each: Throughput) => number): number => Math.max(...all.map(of));
  return {
    answers: total(({ answers }) => answers),
    wrong: total(({ wrong }) => wrong),
    seconds: longest(({ seconds }) => seconds),
    p50: longest(({ p50 }) => p50),
    p99: longest(({ p99 }) => p99),
    processorTime: total(({ processorTime }) => processorTime),
  };
}
