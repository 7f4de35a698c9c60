/**
 * Has requests go through GraphQL in cohorts: those that arrive in one turn of the event loop are executed one
 * right after another, and so are answers written that become ready in one turn. The code of a stage is then
 * still in the processor's caches for the second request, and the kernel wakes whoever reads the answers
 * once, where it would else put them to sleep between any two. (Larus and Parkes, "Using Cohort Scheduling to
 * Enhance Server Performance", 2002.) Nobody waits for a timer: a request that comes alone goes at once.
 *
 * A cohort is small: between two of them the database is listened to, which would else have nothing to do for as
 * long as a large one takes. A crowd is one cohort all the same: a request is better kept waiting before it is
 * read than after, and by how late the event loop is then the door knows when to refuse. The store's lanes make
 * cohorts of their own.
 */
import { AsyncResource } from 'node:async_hooks';
import type { onSendHookHandler, preHandlerHookHandler } from 'fastify';

/** So many have most of what can be gained; the time of more is the database's idle time. */
const COHORT_SIZE = 16;

/** When more wait than this, they all go. */
const CROWD = 256;

export class Cohorts {
  readonly #limit: number;
  #waiting: (() => void)[] = [];

  /** @param limit the most requests that wait for their turn; there may be more where nobody asks `isFull` */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether so many wait already that another one may be refused at once. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#limit;
  }

  readonly preHandler: preHandlerHookHandler = (_request, _reply, done) => {
    // In the request's own context, and not in that of whoever begins the cohort: its trace is there.
    // Not by AsyncResource.bind: it makes accessors for each, which take as long as a third of a query.
    const context = new AsyncResource('Cohort');
    this.#waiting.push(() => {
      context.runInAsyncScope(done);
    });
    if (this.#waiting.length === 1) setImmediate(this.#execute);
  };

  readonly onSend: onSendHookHandler = (_request, _reply, payload, done) => {
    setImmediate(done, null, payload);
  };

  readonly #execute = (): void => {
    const size = this.#waiting.length > CROWD ? this.#waiting.length : COHORT_SIZE;
    const cohort = this.#waiting.splice(0, size);
    // In the next turn, and so after whatever has come meanwhile was read.
    if (this.#waiting.length > 0) setImmediate(this.#execute);
    for (const go of cohort) go();
  };
}
