/**
 * Bounds the statements that several lanes have in flight together. A statement that finds no slot waits for one, in
 * the order of arrival. It does not know what the statements carry.
 */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param number of statements at once */
  constructor(number: number) {
    this.#free = number;
  }

  /** @param callback called once there is a slot, possibly at once; the slot is taken until `giveBack` */
  take(callback: () => void): void {
    if (this.#free === 0) {
      this.#waiting.push(callback);
      return;
    }
    this.#free -= 1;
    callback();
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
