/**
 * A task that is wanted again and again, and done once for all who want it meanwhile: never twice at a time, and at
 * most every few milliseconds. When it has not been wanted for a while, it is done at once. Does not know the task.
 */
import { AsyncResource } from 'node:async_hooks';

export class Paced {
  /** What is done for all is part of no caller's request, nor of its trace. */
  readonly #context = new AsyncResource('Paced');
  readonly #pause: number;
  readonly #task: () => Promise<void>;
  #isWanted = false;
  #isRunning = false;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param pause from one beginning to the next, in milliseconds
   * @param task deals with its own failures
   */
  constructor(pause: number, task: () => Promise<void>) {
    this.#pause = pause;
    this.#task = task;
  }

  /** It will begin after this, so that it sees whatever was there by now. */
  want(): void {
    this.#isWanted = true;
    if (this.#isRunning || this.#timer !== undefined) return;
    const wait = this.#notBefore - performance.now();
    if (wait <= 0) {
      this.#context.runInAsyncScope(() => void this.#run());
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#context.runInAsyncScope(() => void this.#run());
    }, wait);
  }

  async #run(): Promise<void> {
    this.#isWanted = false;
    this.#isRunning = true;
    this.#notBefore = performance.now() + this.#pause;
    await this.#task();
    this.#isRunning = false;
    // It may have been wanted again, which the compiler does not know.
    if (this.#isWanted as boolean) this.want();
  }
}
