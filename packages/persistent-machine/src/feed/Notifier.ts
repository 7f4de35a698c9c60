/**
 * Tells the other instances that there is something new, by PostgreSQL's NOTIFY. It is a hint, so it goes by itself:
 * in the statement of a change it could fail the commit (a session that listens in an open transaction lets the
 * queue of notifications fill up), and NOTIFY takes a lock of the whole cluster at its commit. Does not know what is
 * new.
 */
import type { Database } from '../database/Database';
import { isPassing } from '../database/failures';
import { notify } from '../operations/notify';
import { Paced } from './Paced';

/** At most one notification in this time, in milliseconds. */
const PACE = 5;

/** How long the database is left alone once it has refused one, in milliseconds; the others look by themselves. */
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
   * @param sender what its notifications say, by which the instance knows its own
   * @param onFailure told of the first failure since the last success
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

  /** Something was committed. */
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
