/** Owns the order in which the started parts of an application are stopped. Does not know the parts. */
import type { FastifyBaseLogger } from 'fastify';

export class Parts {
  readonly #log: Pick<FastifyBaseLogger, 'error'>;
  readonly #stops: (() => Promise<unknown>)[] = [];

  constructor(log: Pick<FastifyBaseLogger, 'error'>) {
    this.#log = log;
  }

  /** @param stop stops the part that has just started */
  add(stop: () => Promise<unknown>): void {
    this.#stops.push(stop);
  }

  /** Stops all parts, the last one first. If one fails, it logs that and goes on. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      await stop().catch((error: unknown) => {
        this.#log.error({ err: error }, 'A part failed to stop');
      });
    }
  }
}
