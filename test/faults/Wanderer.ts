/**
 * A subscriber to the whole feed who goes from server to server, and writes down the cursors that it is given.
 * Does not know what happens to the servers meanwhile.
 */
import { setTimeout } from 'node:timers/promises';
import {
  type Subscriber,
  type Transport,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';

const FOLLOW = 'subscription ($after: String) { transitions(after: $after) { cursor } }';

/** How long a client lets a server be that has nothing for it, in milliseconds. */
const PAUSE = 50;

export interface Place {
  readonly url: string;
}

/** A subscriber who comes back, to another server each time, with its last cursor. */
export class Wanderer {
  readonly cursors: string[];
  visits = 0;
  readonly #places: readonly Place[];
  readonly #transport: Transport;
  readonly #stays: readonly number[];
  #current: Subscriber | undefined;
  #over = false;

  /** @param stays after how many transitions it goes on, visit by visit */
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

  /** Wanders until it is told to stop. */
  async wander(): Promise<void> {
    while (!this.#over) {
      const place = this.#places[this.visits % this.#places.length];
      const stay = this.#stays[this.visits % this.#stays.length] ?? 1;
      this.visits += 1;
      if (place === undefined) throw new Error('There is nowhere to go.');
      const after = this.cursors.at(-1);
      const subscriber = subscribe(
        place,
        this.#transport,
        FOLLOW,
        { after },
        ({ data, errors }) => {
          // What is still on its way when it has gone over to another server is not for it.
          if (subscriber !== this.#current) return;
          if (errors) throw new Error(JSON.stringify(errors));
          this.cursors.push(data.transitions.cursor);
        },
      );
      this.#current = subscriber;
      await subscriber.untilReceived(stay);
      this.#current = undefined;
      await subscriber.stop();
      // Turned away, it does not come back at once.
      if (subscriber.results.length === 0) await setTimeout(PAUSE);
    }
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#current?.stop();
  }
}
