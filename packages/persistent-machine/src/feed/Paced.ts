/**
 * Coalesces calls for a task: it runs once for all calls that came meanwhile, never twice at a time, and with a pause
 * between two runs. After a longer pause a call runs it at once. It does not know what the task does.
 */
import { AsyncResource } from 'node:async_hooks';

export class Paced {
  /** The task serves all callers, so it must not run in the context, and in the trace, of one of them. */
  readonly #context = new AsyncResource('Paced');
  readonly #pause: number;
  readonly #task: () => Promise<void>;
  #isWanted = false;
  #isRunning = false;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param pause the shortest time from the beginning of one run to the next, in milliseconds
   * @param task must not reject
   */
  constructor(pause: number, task: () => Promise<void>) {
    this.#pause = pause;
    this.#task = task;
  }

  /** Asks for a run that begins after this call. */
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
    // `want` may have set it during the task, which the compiler does not see.
    if (this.#isWanted as boolean) this.want();
  }
}
