/**
 * Tells the other instances by NOTIFY that there is something new. A notification is only a hint, so it has a
 * transaction of its own: in that of a change it could fail the commit, since a session that listens in an open
 * transaction lets PostgreSQL's queue fill up; and NOTIFY takes a cluster-wide lock at its commit. This file does not
 * know what is new.
 */
import type { Database } from '../database/Database';
import { isPassing } from '../database/failures';
import { notify } from '../operations/notify';
import { Paced } from './Paced';

/** The shortest time between two notifications, in milliseconds. */
const PACE = 5;

/** How long nothing is sent after a failure, in milliseconds. The other instances poll meanwhile. */
const AFTER_FAILURE = 1_000;

export class Notifier {
  readonly #channel: string;
  readonly #sender: string;
  readonly #database: Pick<Database, 'run'>;
  readonly #onFailure: (error: unknown) => void;
  readonly #notifications = new Paced(PACE, () => this.#notify());
  #isFailing = false;
  #leaveAloneUntil = 0;

  /**
   * @param sender the payload, by which the instance recognises its own notifications
   * @param onFailure called with the first failure since the last success, unless it passes by itself
   */
  constructor(
    database: Pick<Database, 'run'>,
    channel: string,
    sender: string,
    onFailure: (error: unknown) => void,
  ) {
    this.#database = database;
    this.#channel = channel;
    this.#sender = sender;
    this.#onFailure = onFailure;
  }

  /** This instance committed something. */
  changed(): void {
    if (performance.now() >= this.#leaveAloneUntil) this.#notifications.want();
  }

  async #notify(): Promise<void> {
    try {
      await this.#database.run(notify, [this.#channel, this.#sender]);
      this.#isFailing = false;
    } catch (error) {
      this.#leaveAloneUntil = performance.now() + AFTER_FAILURE;
      if (!this.#isFailing && !isPassing(error)) {
        this.#isFailing = true;
        this.#onFailure(error);
      }
    }
  }
}
