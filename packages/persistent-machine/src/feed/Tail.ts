/**
 * The end of a log, in memory: its last entries, by their positions, which are gapless. What is older than
 * that is somewhere else. Bounded; does not know what the entries are, nor where they come from.
 */
export class Tail<Entry> {
  readonly #capacity: number;
  #entries: Entry[] = [];
  #end: number;

  /**
   * @param end the position of the log's last entry, none of which is here yet
   * @param capacity the most entries that are kept
   */
  constructor(end: number, capacity: number) {
    this.#end = end;
    this.#capacity = capacity;
  }

  /** The position of the last entry. */
  get end(): number {
    return this.#end;
  }

  /** The entries that follow the last one. */
  append(entries: readonly Entry[]): void {
    this.#entries.push(...entries);
    this.#end += entries.length;
    // Rarely, and many at once: to take them off one by one would move all others each time.
    if (this.#entries.length > 2 * this.#capacity) {
      this.#entries = this.#entries.slice(-this.#capacity);
    }
  }

  /** Whether every entry after a position is here. */
  reachesBackTo(position: number): boolean {
    return position >= this.#end - this.#entries.length;
  }

  /** The first entry after a position that is accepted, with its own; undefined: there is none up to the end. */
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
