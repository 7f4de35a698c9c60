/**
 * Subscribers to the feed that reconnect with their last cursor whenever a subscription ends, as clients should. They
 * record what they got, and how each subscription ended.
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
  /** The lives of the received transitions, in order. */
  readonly lives: string[] = [];
  /** How its subscriptions have ended. */
  readonly endings: Ending[] = [];
  readonly #pick: () => string;
  #cursor: string;
  #subscriber: Subscriber | undefined;
  readonly #stopping = new AbortController();
  readonly #following: Promise<void>;

  /**
   * @param pick returns the URL of a server, for each subscription
   * @param cursor the feed after this one
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
