/** Whether load balancers may send requests here, and whether one probes. Does not know what may be wrong. */

/**
 * Parts of the grace period. During the first the server still accepts connections, because a load balancer needs
 * some probes to learn that it is not ready. During the second, clients may still use open connections. The rest is
 * for requests in flight and for the database.
 */
const NOTICE = 0.2;
const LINGERING = 0.1;

export class Readiness {
  readonly #isWell: () => boolean;
  #isOver = false;
  #isWatched = false;
  #lingering = 0;

  /** @param isWell whether no temporary fault is known */
  constructor(isWell: () => boolean) {
    this.#isWell = isWell;
  }

  /** Answers a probe, and remembers that a load balancer watches. In development nothing probes. */
  probe(): boolean {
    this.#isWatched = true;
    return !this.#isOver && this.#isWell();
  }

  /** Makes it not ready for good, as at shutdown, or after one machine's ledger broke. */
  end(): void {
    this.#isOver = true;
  }

  /** How long clients may use open connections at shutdown, in milliseconds. */
  get lingering(): number {
    return this.#lingering;
  }

  /**
   * Begins the shutdown.
   *
   * @param grace how long the shutdown may take, in milliseconds
   * @returns how long to accept new connections, in milliseconds; 0 if no load balancer has probed
   */
  leave(grace: number): number {
    this.end();
    if (!this.#isWatched) return 0;
    this.#lingering = grace * LINGERING;
    return grace * NOTICE;
  }
}
