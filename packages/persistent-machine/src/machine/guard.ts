/**
 * The guard that every transition passes: when something may be said to have occurred.
 * Generic and pure; the clock's reading arrives as an argument.
 */
import { OccurredAtOutOfRange } from './errors';

/** When a transition is asked for. */
export interface Moment {
  /** The caller's word for when it occurred; left out, it is taken to occur now. */
  readonly occurredAt?: Date | null | undefined;
  /** The clock of the instance that records it. */
  readonly now: Date;
}

/** How far ahead of ours a caller's clock may be, in milliseconds. */
export const CLOCK_TOLERANCE = 5_000;

/**
 * When a transition asked for at `at` occurred, given when the last one did. Left out, it is the later of
 * the two clocks' readings, so that instances whose clocks differ never refuse anybody.
 *
 * @param last when the last transition of this machine occurred; equal to it is allowed
 * @returns the moment, or the refusal with the range that would have been accepted
 */
export function occurrence(at: Moment, last: Date): Date | OccurredAtOutOfRange {
  const occurredAt = at.occurredAt ?? later(at.now, last);
  const latest = later(new Date(at.now.getTime() + CLOCK_TOLERANCE), last);
  return occurredAt < last || occurredAt > latest
    ? new OccurredAtOutOfRange(occurredAt, last, latest)
    : occurredAt;
}

function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}
