/**
 * Reads that wait their turn, and wait out what passes, as loads do: a lane in which each is a group of its own,
 * since no two of them ask the same. So pages leave most of the pool's connections to what changes something. Does
 * not know what is read.
 */
import type { Reader, Statement } from '../database/Database';
import { type GroupTracer, Lane } from './Lane';

export interface ReadLaneSettings {
  /** The most reads that wait; more are refused at once. */
  readonly queueSize: number;
  /** Told of each read that is sent: how many go with it, and how long it had waited, in milliseconds. */
  readonly observe: (size: number, waited: number) => void;
  readonly tracer?: GroupTracer | undefined;
}

interface Read {
  readonly statement: Statement;
  readonly values: readonly unknown[];
  /** Of no other read. */
  readonly number: number;
}

/** The most reads in flight. */
const IN_FLIGHT = 4;

export class ReadLane {
  readonly #lane: Lane<Read, object[]>;
  #count = 0;

  constructor(reader: Reader, settings: ReadLaneSettings) {
    this.#lane = new Lane({
      ...settings,
      groupSize: 1,
      inFlight: IN_FLIGHT,
      execute: async (group) =>
        Promise.all(group.map(({ statement, values }) => reader.run(statement, values))),
      keyOf: ({ number }) => String(number),
      follow: (rows) => rows,
    });
  }

  get length(): number {
    return this.#lane.length;
  }

  get isFull(): boolean {
    return this.#lane.isFull;
  }

  /**
   * @param deadline by `performance.now()`
   * @returns what reads by then, and throws as `Lane.submit` does
   */
  by(deadline: number): Reader {
    return {
      run: async <Row extends object>(statement: Statement, values: readonly unknown[]) => {
        this.#count += 1;
        const read = { statement, values, number: this.#count };
        // Its statement's rows, which the caller knows the type of.
        return (await this.#lane.submit(read, deadline)) as Row[];
      },
    };
  }
}
