/** What has started, so that it can be stopped in reverse order. Does not know what it is. */
import type { FastifyBaseLogger } from 'fastify';

export class Parts {
  readonly #log: Pick<FastifyBaseLogger, 'error'>;
  readonly #stops: (() => Promise<unknown>)[] = [];

  constructor(log: Pick<FastifyBaseLogger, 'error'>) {
    this.#log = log;
  }

  /** A part has started. @param stop how to stop it */
  add(stop: () => Promise<unknown>): void {
    this.#stops.push(stop);
  }

  /** Stops all, the last one first; one that fails to stop keeps no other from it. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      await stop().catch((error: unknown) => {
        this.#log.error({ err: error }, 'A part did not stop');
      });
    }
  }
}
