/**
 * The guard of every transition: the range of times in which an event may have occurred. It reads no clock: the time
 * arrives as an argument.
 */
import { OccurredAtOutOfRange } from './refusals';

/** When an event is asked for. */
export interface Moment<E extends string = string> {
  /** When the event occurred, by the caller's word. Default: now. */
  readonly occurredAt?: Date | null | undefined;
  /** The time by the clock of the instance that records the event. */
  readonly now: Date;
  /**
   * The event of this moment, for the compiler alone: nothing sets it. Where several events lead from one state to
   * another, the verb of `Closing` takes a `Moment<'Closing'>`, and so cannot perform another event.
   */
  readonly event?: E | undefined;
}

/** How far a caller's clock may be ahead of ours, in milliseconds. */
export const CLOCK_TOLERANCE = 5_000;

/**
 * When an event occurred. If the caller does not say, that is the later of now and the last transition: otherwise
 * instances whose clocks differ would refuse callers who did nothing wrong.
 *
 * @param last when the last transition of this machine occurred; the event may have occurred at the same time
 * @returns the moment, or a refusal with the range that would have been accepted
 */
export function occurrence(at: Moment, last: Date): Date | OccurredAtOutOfRange {
  // Numbers throughout: comparing two dates takes fifty times as long.
  const now = at.now.getTime();
  const earliest = last.getTime();
  const occurredAt = at.occurredAt ?? (now > earliest ? at.now : last);
  const latest = Math.max(now + CLOCK_TOLERANCE, earliest);
  const time = occurredAt.getTime();
  // Do not negate these comparisons: an invalid date is neither before nor after.
  return time >= earliest && time <= latest
    ? occurredAt
    : new OccurredAtOutOfRange(occurredAt, last, new Date(latest));
}
