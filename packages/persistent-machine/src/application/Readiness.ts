/** Whether a load balancer may send requests here, and whether one asks. Does not know what may be wrong. */

/**
 * Parts of the grace period. New connections are still taken for the first, since a load balancer learns only
 * by and by that we are not ready. Open connections may still be used for the second. What is left is for
 * requests in flight, and for the database.
 */
const NOTICE = 0.2;
const LINGERING = 0.1;

export class Readiness {
  readonly #isWell: () => boolean;
  #isOver = false;
  #isWatched = false;
  #lingering = 0;

  /** @param isWell whether nothing is wrong that may pass */
  constructor(isWell: () => boolean) {
    this.#isWell = isWell;
  }

  /** The answer to a probe. A load balancer sends one from time to time, and nothing does in development. */
  probe(): boolean {
    this.#isWatched = true;
    return !this.#isOver && this.#isWell();
  }

  /** From now on it is not ready, whatever may come: one machine's broken ledger is enough. */
  end(): void {
    this.#isOver = true;
  }

  /** At shutdown, for how long open connections may still be used, in milliseconds. */
  get lingering(): number {
    return this.#lingering;
  }

  /**
   * It is about to leave.
   *
   * @param grace how long that may take, in milliseconds
   * @returns for how long new connections are still to be taken, for load balancers; 0 where none has been seen
   */
  leave(grace: number): number {
    this.end();
    if (!this.#isWatched) return 0;
    this.#lingering = grace * LINGERING;
    return grace * NOTICE;
  }
}
