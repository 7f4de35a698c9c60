/**
 * Reads that may be stale: from the replica, and from the primary for as long as the replica has trouble of
 * whatever kind. It may not be there, hang, lack a table that it has not heard of yet, or give up a statement
 * that is in the way of what it has to replay (40001). Does not know what is read.
 */
import type { Reader, Statement } from './Database';

/** How long the replica is left alone after a failure, and after each attempt to find out whether it is over; in milliseconds. */
const PAUSE = 1_000;

export class ReplicaFirst implements Reader {
  readonly #replica: Reader;
  readonly #primary: Reader;
  readonly #onTrouble: (error: unknown) => void;
  #inTrouble = false;
  /** In milliseconds of a clock that never goes back. */
  #leaveAloneUntil = 0;

  /**
   * @param replica whose time limits leave enough of a request's for the primary
   * @param onTrouble told what was the first failure since the last success
   */
  constructor(replica: Reader, primary: Reader, onTrouble: (error: unknown) => void) {
    this.#replica = replica;
    this.#primary = primary;
    this.#onTrouble = onTrouble;
  }

  /** @throws what the primary does; never what the replica does */
  async run<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const now = performance.now();
    if (now < this.#leaveAloneUntil) return this.#primary.run<Row>(statement, values);
    // One read finds out whether it is over, and waits for that as long as it takes; the others need not.
    if (this.#inTrouble) this.#leaveAloneUntil = now + PAUSE;
    try {
      const rows = await this.#replica.run<Row>(statement, values);
      this.#inTrouble = false;
      this.#leaveAloneUntil = 0;
      return rows;
    } catch (error) {
      if (!this.#inTrouble) this.#onTrouble(error);
      this.#inTrouble = true;
      this.#leaveAloneUntil = performance.now() + PAUSE;
      return this.#primary.run<Row>(statement, values);
    }
  }
}
