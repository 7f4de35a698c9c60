/**
 * Subscribers to the feed that come back with their last cursor whenever they are sent away, as clients should.
 * They write down what they got, and why they had to come back.
 */
import {
  type Ending,
  type Subscriber,
  type Transport,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';

const FOLLOW = 'subscription ($after: String) { transitions(after: $after) { cursor lifeId } }';

export class Follower {
  readonly transport: Transport;
  /** The lives of the transitions that it got, in order. */
  readonly lives: string[] = [];
  /** How its subscriptions have ended. */
  readonly endings: Ending[] = [];
  readonly #pick: () => string;
  #cursor: string;
  #subscriber: Subscriber | undefined;
  readonly #stopping = new AbortController();
  readonly #following: Promise<void>;

  /**
   * @param pick whom to subscribe at, a URL; asked each time
   * @param cursor after which to begin
   */
  constructor(transport: Transport, pick: () => string, cursor: string) {
    this.transport = transport;
    this.#pick = pick;
    this.#cursor = cursor;
    this.#following = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#subscriber?.stop();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      const subscriber = subscribe(
        { url: this.#pick() },
        this.transport,
        FOLLOW,
        { after: this.#cursor },
        ({ data }) => {
          this.lives.push(data.transitions.lifeId);
          this.#cursor = data.transitions.cursor;
        },
      );
      this.#subscriber = subscriber;
      const ending = await subscriber.ended;
      await subscriber.stop();
      if (signal.aborted) return;
      this.endings.push(ending);
    }
  }
}
