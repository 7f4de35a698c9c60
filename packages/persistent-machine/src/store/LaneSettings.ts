/** The settings of a lane. */
import type { HELD_UP } from './HeldUp';
import type { Slots } from './Slots';

/** Traces requests into the statement that they share. */
export interface GroupTracer {
  /** @returns the caller's trace */
  readonly current: () => unknown;
  /**
   * @param requests the traces of a group's entries, in their order
   * @param statement runs the group's statement
   */
  readonly run: <T>(requests: readonly unknown[], statement: () => Promise<T>) => Promise<T>;
}

export interface LaneSettings<Entry, Result> {
  /**
   * Runs a group as one statement, all or nothing, and answers in the group's order. `HELD_UP` means that the entry was
   * neither applied nor refused; the lane sends it again after a pause.
   */
  readonly execute: (group: readonly Entry[]) => Promise<readonly (Result | typeof HELD_UP)[]>;
  /**
   * Of the entries with the same key, a group sends only the first. The others get what `follow` makes of its answer.
   */
  readonly keyOf: (entry: Entry) => string;
  /** A statement carries only entries of the same form, from all over the queue. Default: all entries have the same. */
  readonly formOf?: ((entry: Entry) => string) | undefined;
  readonly follow: (first: Result) => Result;
  /**
   * Finds out, within the entry's deadline, what became of an entry whose answer was lost, and which then got this
   * result when it was sent again. Left out for lanes that only read.
   */
  readonly settle?: (entry: Entry, result: Result, deadline: number) => Promise<Result>;
  /**
   * Whether a group failed because another transaction's lock holds up one of its entries. Left out if the lane's
   * statements never wait for such locks.
   */
  readonly isHeldUp?: (error: unknown) => boolean;
  /** The most entries in a group. */
  readonly groupSize: number;
  /** The most entries in the queue, and the most that a lock holds up. The lane refuses more at once. */
  readonly queueSize: number;
  /** The most statements in flight for groups, and as many again for entries that go alone. */
  readonly inFlight: number;
  /** Bounds the statements in flight together with other lanes; undefined for a lane that is bounded by itself only. */
  readonly slots?: Slots | undefined;
  /** Called for each group that is sent: its size, and how long its first entry waited, in milliseconds. */
  readonly observe?: (size: number, waited: number) => void;
  /** Undefined if requests are not traced. */
  readonly tracer?: GroupTracer | undefined;
}
