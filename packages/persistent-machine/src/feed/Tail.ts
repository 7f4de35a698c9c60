/**
 * The last transitions of a feed in memory, in the order in which this instance has read them. It is bounded, and knows
 * neither what the transitions are nor where older ones are.
 */
import { type MarkIn, type Place, includes } from '../operations/place';

/** A transition with the place after it. */
export interface Placed extends MarkIn {
  readonly place: Place | undefined;
}

export class Tail<Entry extends Placed> {
  readonly #capacity: number;
  #entries: Entry[] = [];
  /** How many entries came before those in memory. */
  #dropped = 0;
  #start: Place;

  /**
   * @param start the place after which the tail begins
   * @param capacity the most entries that the tail keeps
   */
  constructor(start: Place, capacity: number) {
    this.#start = start;
    this.#capacity = capacity;
  }

  /** Appends the next entries of the feed. */
  append(entries: readonly Entry[]): void {
    this.#entries.push(...entries);
    // Many at once, since each removal moves all remaining entries.
    if (this.#entries.length <= 2 * this.#capacity) return;
    const dropped = this.#entries.length - this.#capacity;
    this.#start = this.#entries[dropped - 1]?.place ?? this.#start;
    this.#entries = this.#entries.slice(dropped);
    this.#dropped += dropped;
  }

  /** @returns the number from which to read every entry after a place; undefined if memory lacks some of them */
  startAfter(place: Place): number | undefined {
    return includes(place, this.#start) ? this.#dropped : undefined;
  }

  /** Whether memory has every entry from a number on. */
  has(number: number): boolean {
    return number >= this.#dropped;
  }

  /** The entry with a number; undefined if there is none yet. */
  at(number: number): Entry | undefined {
    return this.#entries[number - this.#dropped];
  }
}
