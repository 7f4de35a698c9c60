/**
 * The pauses of a lane whose statements fail: longer with each failure, and random, so that the instances do not all
 * come back at once (a thundering herd). It remembers the failure, for entries whose deadline passes meanwhile, and
 * does not know what the lane sends.
 */
import {
  ConnectionLost,
  OutcomeUnknown,
  Overloaded,
  Unreachable,
  isPassing,
} from '../database/failures';

/** The longest pause after the first failure, in milliseconds. It doubles with each further one, up to a limit. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;

/** Made once: under overload, a stack trace for each refusal would take an eighth of the processor's time. */
const TOO_LATE = new Overloaded('The deadline passed while the request waited in the queue.');

export class Backoff {
  readonly #resume: () => void;
  #isPausing = false;
  /** Why statements failed since the last success, and how many. */
  #trouble: unknown;
  #failures = 0;

  /** @param resume called when a pause is over */
  constructor(resume: () => void) {
    this.#resume = resume;
  }

  get isPausing(): boolean {
    return this.#isPausing;
  }

  /** A statement succeeded. */
  reset(): void {
    this.#failures = 0;
    this.#trouble = undefined;
  }

  /** Begins a pause, unless one is on. */
  pause(error: unknown): void {
    if (isPassing(error)) this.#trouble = error;
    if (this.#isPausing) return;
    this.#isPausing = true;
    const longest = Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    setTimeout(() => {
      this.#isPausing = false;
      this.#resume();
    }, Math.random() * longest);
    this.#failures += 1;
  }

  /**
   * @param isUncertain whether the entry may have been applied
   * @returns the error for an entry whose deadline has passed
   */
  tooLate(isUncertain: boolean): unknown {
    const trouble = this.#trouble ?? TOO_LATE;
    if (isUncertain) return new OutcomeUnknown({}, { cause: trouble });
    return trouble instanceof ConnectionLost
      ? new Unreachable(trouble.message, { cause: trouble })
      : trouble;
  }
}
