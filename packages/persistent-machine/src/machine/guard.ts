/**
 * The guard that every transition passes: when an event may be said to have occurred. Pure: the clock's reading
 * arrives as an argument.
 */
import { OccurredAtOutOfRange } from './refusals';

/** When an event is asked for. */
export interface Moment<E extends string = string> {
  /** The caller's word for when it occurred. Left out: now. */
  readonly occurredAt?: Date | null | undefined;
  /** The clock of the instance that records it. */
  readonly now: Date;
  /**
   * Which event it is a moment of. For the compiler alone, and never set: where several events lead from one state to
   * another, the verb of `Closing` takes a `Moment<'Closing'>`, and so cannot perform any other of them.
   */
  readonly event?: E | undefined;
}

/** How far ahead of ours a caller's clock may be, in milliseconds. */
export const CLOCK_TOLERANCE = 5_000;

/**
 * When an event that is asked for at `at` occurred. Left out, it is the later of the clock's reading and the last
 * transition's, so that instances whose clocks differ never refuse a caller for it.
 *
 * @param last when the last transition of this machine occurred; equal to it is allowed
 * @returns the moment, or the refusal with the range that would have been accepted
 */
export function occurrence(at: Moment, last: Date): Date | OccurredAtOutOfRange {
  // Numbers throughout: to compare two dates takes fifty times as long.
  const now = at.now.getTime();
  const earliest = last.getTime();
  const occurredAt = at.occurredAt ?? (now > earliest ? at.now : last);
  const latest = Math.max(now + CLOCK_TOLERANCE, earliest);
  const time = occurredAt.getTime();
  // Not a comparison the other way round: an invalid date is neither before nor after.
  return time >= earliest && time <= latest
    ? occurredAt
    : new OccurredAtOutOfRange(occurredAt, last, new Date(latest));
}
