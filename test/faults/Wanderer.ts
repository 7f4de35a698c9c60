/**
 * A subscriber to the whole feed that moves from server to server, and records its cursors. Does not know what happens
 * to the servers.
 */
import { setTimeout } from 'node:timers/promises';
import {
  type Subscriber,
  type Transport,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';

const FOLLOW = 'subscription ($after: String) { transitions(after: $after) { cursor } }';

/** How long the subscriber waits after a visit without a transition, in milliseconds. */
const PAUSE = 50;

export interface Place {
  readonly url: string;
}

/** A subscriber that resumes at another server each time, from its last cursor. */
export class Wanderer {
  readonly cursors: string[];
  visits = 0;
  readonly #places: readonly Place[];
  readonly #transport: Transport;
  readonly #stays: readonly number[];
  #current: Subscriber | undefined;
  #over = false;

  /** @param stays the number of transitions of each visit, in turn */
  constructor(
    places: readonly Place[],
    transport: Transport,
    after: string,
    stays: readonly number[],
  ) {
    this.#places = places;
    this.#transport = transport;
    this.#stays = stays;
    this.cursors = [after];
  }

  /** Moves between the servers until `stop`. */
  async wander(): Promise<void> {
    while (!this.#over) {
      const place = this.#places[this.visits % this.#places.length];
      const stay = this.#stays[this.visits % this.#stays.length] ?? 1;
      this.visits += 1;
      if (place === undefined) throw new Error('There is no server to follow.');
      const after = this.cursors.at(-1);
      const subscriber = subscribe(
        place,
        this.#transport,
        FOLLOW,
        { after },
        ({ data, errors }) => {
          // The subscriber has moved on, and ignores what the last server still delivers.
          if (subscriber !== this.#current) return;
          if (errors) throw new Error(JSON.stringify(errors));
          this.cursors.push(data.transitions.cursor);
        },
      );
      this.#current = subscriber;
      await subscriber.untilReceived(stay);
      this.#current = undefined;
      await subscriber.stop();
      // After a refusal the subscriber waits before the next visit.
      if (subscriber.results.length === 0) await setTimeout(PAUSE);
    }
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#current?.stop();
  }
}
