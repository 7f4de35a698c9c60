/**
 * Sends reads that may be stale to the replica, or to the primary while the replica is unproven or fails. A replica may
 * be away, hang, belong to another database, lack a new table, or cancel a statement that conflicts with its recovery
 * (40001). It does not know what is read.
 */
import type { Reader, Statement } from './Database';

/** How long the replica is not used after a failure, in milliseconds. */
const PAUSE = 1_000;

export interface ReplicaSettings {
  /** Rejects unless the replica is one of the primary. Called before its first use, and after each failure. */
  readonly prove: () => Promise<void>;
  /** Called with the first failure since the last success. */
  readonly onTrouble: (error: unknown) => void;
}

export class ReplicaFirst implements Reader {
  readonly #replica: Reader;
  readonly #primary: Reader;
  readonly #settings: ReplicaSettings;
  #isProven = false;
  #isProving = false;
  #inTrouble = false;
  /** By `performance.now()`. */
  #leaveAloneUntil = 0;

  /** @param replica with timeouts that leave a request enough time for the primary */
  constructor(replica: Reader, primary: Reader, settings: ReplicaSettings) {
    this.#replica = replica;
    this.#primary = primary;
    this.#settings = settings;
  }

  /** @throws the errors of the primary, never those of the replica */
  async run<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    if (!this.#isProven) {
      // Reads do not wait for the proof.
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
