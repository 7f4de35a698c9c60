/**
 * Reads that may be stale: from the replica, and from the primary for as long as the replica is not proven to be
 * one, or has trouble of whatever kind. It may not be there, hang, be of another database, lack a table that it has
 * not heard of yet, or give up a statement that is in the way of what it has to replay (40001). Does not know what
 * is read.
 */
import type { Reader, Statement } from './Database';

/** How long the replica is left alone after a failure, in milliseconds. */
const PAUSE = 1_000;

export interface ReplicaSettings {
  /** Fails unless it is a replica of the primary; asked before its first use, and after each trouble. */
  readonly prove: () => Promise<void>;
  /** Told what was the first failure since the last success. */
  readonly onTrouble: (error: unknown) => void;
}

export class ReplicaFirst implements Reader {
  readonly #replica: Reader;
  readonly #primary: Reader;
  readonly #settings: ReplicaSettings;
  #isProven = false;
  #isProving = false;
  #inTrouble = false;
  /** In milliseconds of a clock that never goes back. */
  #leaveAloneUntil = 0;

  /** @param replica whose time limits leave enough of a request's for the primary */
  constructor(replica: Reader, primary: Reader, settings: ReplicaSettings) {
    this.#replica = replica;
    this.#primary = primary;
    this.#settings = settings;
  }

  /** @throws what the primary does; never what the replica does */
  async run<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    if (!this.#isProven) {
      // No read waits for the proof.
      void this.#prove();
      return this.#primary.run<Row>(statement, values);
    }
    try {
      const rows = await this.#replica.run<Row>(statement, values);
      this.#inTrouble = false;
      return rows;
    } catch (error) {
      this.#note(error);
      return this.#primary.run<Row>(statement, values);
    }
  }

  async #prove(): Promise<void> {
    if (this.#isProving || performance.now() < this.#leaveAloneUntil) return;
    this.#isProving = true;
    try {
      await this.#settings.prove();
      this.#isProven = true;
    } catch (error) {
      this.#note(error);
    } finally {
      this.#isProving = false;
    }
  }

  #note(trouble: unknown): void {
    if (!this.#inTrouble) this.#settings.onTrouble(trouble);
    this.#inTrouble = true;
    this.#isProven = false;
    this.#leaveAloneUntil = performance.now() + PAUSE;
  }
}
