/**
 * The pauses that a lane makes when its statements fail: longer with each failure, and at random, so that not all
 * instances come back at once. Knows what the trouble was, and so what to tell an entry whose time ran out in it; does
 * not know what is sent.
 */
import {
  ConnectionLost,
  OutcomeUnknown,
  Overloaded,
  Unreachable,
  isPassing,
} from '../database/failures';

/** The longest pause after a first failure, doubled with each further one up to the last; in milliseconds. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;

/** Made once: under overload a stack for each refusal would take an eighth of the processor's time. */
const TOO_LATE = new Overloaded('The deadline passed in the queue.');

export class Backoff {
  readonly #resume: () => void;
  #isPausing = false;
  /** Why statements have failed since the last success, and how many in a row. */
  #trouble: unknown;
  #failures = 0;

  /** @param resume called when a pause is over */
  constructor(resume: () => void) {
    this.#resume = resume;
  }

  get isPausing(): boolean {
    return this.#isPausing;
  }

  /** A statement has succeeded. */
  reset(): void {
    this.#failures = 0;
    this.#trouble = undefined;
  }

  /** Pauses, unless it does. */
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

  /** @returns what to tell an entry whose deadline has passed; `isUncertain`: it may have been applied */
  tooLate(isUncertain: boolean): unknown {
    const trouble = this.#trouble ?? TOO_LATE;
    if (isUncertain) return new OutcomeUnknown({}, { cause: trouble });
    return trouble instanceof ConnectionLost
      ? new Unreachable(trouble.message, { cause: trouble })
      : trouble;
  }
}
