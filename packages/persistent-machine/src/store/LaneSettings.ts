/** What a lane is told when it is made. */
import type { HELD_UP } from './HeldUp';

/** Whoever follows requests on their way to the database, where many of them become one statement. */
export interface GroupTracer {
  /** @returns the trace that whoever calls is part of, whatever that is */
  readonly current: () => unknown;
  /**
   * @param requests the traces that the entries of a group are part of, the first one's first
   * @param statement runs what is sent for all of them
   */
  readonly run: <T>(requests: readonly unknown[], statement: () => Promise<T>) => Promise<T>;
}

export interface LaneSettings<Entry, Result> {
  /**
   * Runs a group as one statement, all or nothing; answers in the group's order. An entry that it answers
   * `HELD_UP` was neither applied nor refused, and goes again after a pause of its own.
   */
  readonly execute: (group: readonly Entry[]) => Promise<readonly (Result | typeof HELD_UP)[]>;
  /**
   * Of entries with the same key only the first one of a group is sent. The others are answered, by
   * `follow`, from the first one's result.
   */
  readonly keyOf: (entry: Entry) => string;
  /** Only entries of one form go in one statement, from wherever they stand in the queue; left out: all are of one. */
  readonly formOf?: ((entry: Entry) => string) | undefined;
  readonly follow: (first: Result) => Result;
  /**
   * For entries that change something: what became of an entry which was sent, lost its answer, was sent
   * again, and was answered this result; to be found out by the entry's deadline. Left out: a lost answer is
   * no different from none.
   */
  readonly settle?: (entry: Entry, result: Result, deadline: number) => Promise<Result>;
  /**
   * Whether a group failed because another transaction's lock holds up one of its entries. Left out: a
   * statement of this lane waits for no lock of a single entry.
   */
  readonly isHeldUp?: (error: unknown) => boolean;
  /** The most entries of a group. */
  readonly groupSize: number;
  /** The most entries that wait for their statement, and that a lock holds up; more are refused at once. */
  readonly queueSize: number;
  /** The most statements in flight, and as many again for entries that go alone. */
  readonly inFlight: number;
  /** Told of each group that is sent: its size, and how long its first entry had waited, in milliseconds. */
  readonly observe?: (size: number, waited: number) => void;
  /** Undefined: nobody follows. */
  readonly tracer?: GroupTracer | undefined;
}
