/**
 * The last entries of a log in memory, by their positions, which are gapless. It is bounded, and knows neither what the
 * entries are nor where older ones are.
 */
export class Tail<Entry> {
  readonly #capacity: number;
  #entries: Entry[] = [];
  #end: number;

  /**
   * @param end the position after which the tail begins
   * @param capacity the most entries that the tail keeps
   */
  constructor(end: number, capacity: number) {
    this.#end = end;
    this.#capacity = capacity;
  }

  /** The position of the last entry. */
  get end(): number {
    return this.#end;
  }

  /** Appends the next entries of the log. */
  append(entries: readonly Entry[]): void {
    this.#entries.push(...entries);
    this.#end += entries.length;
    // Many at once, since each removal moves all remaining entries.
    if (this.#entries.length > 2 * this.#capacity) {
      this.#entries = this.#entries.slice(-this.#capacity);
    }
  }

  /** Whether the tail has every entry after a position. */
  reachesBackTo(position: number): boolean {
    return position >= this.#end - this.#entries.length;
  }

  /** @returns the first accepted entry after a position, with its own position; undefined if there is none */
  next(
    after: number,
    accepts: (entry: Entry) => boolean,
  ): { readonly entry: Entry; readonly position: number } | undefined {
    const start = this.#end - this.#entries.length;
    for (let position = Math.max(after, start) + 1; position <= this.#end; position += 1) {
      const entry = this.#entries[position - start - 1];
      if (entry !== undefined && accepts(entry)) return { entry, position };
    }
    return undefined;
  }
}
