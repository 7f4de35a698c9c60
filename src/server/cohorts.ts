/**
 * Has requests go through GraphQL in cohorts: those that arrive in one turn of the event loop are executed one
 * right after another, and so are answers written that become ready in one turn. The code of a stage is then
 * still in the processor's caches for the second request, and the kernel wakes whoever reads the answers
 * once, where it would else put them to sleep between any two. (Larus and Parkes, "Using Cohort Scheduling to
 * Enhance Server Performance", 2002.) Nobody waits for a timer: a request that comes alone goes at once.
 *
 * The store's lanes make cohorts of their own.
 */
import type { onSendHookHandler, preHandlerHookHandler } from 'fastify';

export class Cohorts {
  readonly #limit: number;
  #waiting = 0;

  /** @param limit the most requests that wait for their turn; there may be more where nobody asks `isFull` */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether so many wait already that another one may be refused at once. */
  get isFull(): boolean {
    return this.#waiting >= this.#limit;
  }

  readonly preHandler: preHandlerHookHandler = (_request, _reply, done) => {
    this.#waiting += 1;
    setImmediate(() => {
      this.#waiting -= 1;
      done();
    });
  };

  readonly onSend: onSendHookHandler = (_request, _reply, payload, done) => {
    setImmediate(done, null, payload);
  };
}
