/**
 * Executes waiting requests in cohorts: a few of them one right after another, and writes the answers of one turn of
 * the event loop together. The code of each stage is then still in the processor's caches for the next request, and
 * the kernel wakes the reader of the answers once. (Larus and Parkes, "Using Cohort Scheduling to Enhance Server
 * Performance", 2002.) There is no timer: a request that comes alone is executed at once. Does not know why requests
 * are refused.
 *
 * A cohort is small, because the event loop reads from the database between two cohorts. During a large one, PostgreSQL
 * would be idle.
 */
import { AsyncResource } from 'node:async_hooks';
import type { onSendHookHandler, preHandlerHookHandler } from 'fastify';

/** Enough for most of the gain. A larger cohort would leave PostgreSQL idle for longer. */
const COHORT_SIZE = 16;

/**
 * How long new connections take precedence over requests, in milliseconds. libuv accepts one connection in each turn
 * of the event loop. With a cohort in each turn, the last of a thousand reconnecting clients would wait for seconds.
 */
const CONNECTIONS_FIRST = 2;

interface Waiting {
  /** When the request came, on the clock of `performance.now()`. */
  readonly since: number;
  readonly go: () => void;
}

export class Cohorts {
  readonly #limit: number;
  readonly #onTurn: (served: number) => void;
  #waiting: Waiting[] = [];
  #hasConnected = false;
  #servedAt = 0;

  /**
   * @param limit the most requests that may wait. Admission checks `isFull` before it lets a request in.
   * @param onTurn called after each cohort with its size
   */
  constructor(limit: number, onTurn: (served: number) => void = () => undefined) {
    this.#limit = limit;
    this.#onTurn = onTurn;
  }

  /** Whether the queue is full, so that admission refuses the next request. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#limit;
  }

  /** How many requests wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** How long the oldest waiting request has waited, in milliseconds; 0 if none waits. */
  get age(): number {
    const [first] = this.#waiting;
    return first ? performance.now() - first.since : 0;
  }

  /** Must be called for each new connection. */
  readonly connected = (): void => {
    this.#hasConnected = true;
  };

  readonly preHandler: preHandlerHookHandler = ({ ws }, _reply, done) => {
    // An upgrade must not wait: `ws` gives up a socket whose client has closed its side meanwhile.
    if (ws) {
      done();
      return;
    }
    // Keeps the request's own async context, with its trace, instead of that of the request that begins the cohort.
    // AsyncResource.bind would define accessors for each request, which takes a third of the time of a query.
    const context = new AsyncResource('Cohort');
    this.#waiting.push({
      since: performance.now(),
      go: () => {
        context.runInAsyncScope(done);
      },
    });
    if (this.#waiting.length === 1) setImmediate(this.#execute);
  };

  readonly onSend: onSendHookHandler = (_request, _reply, payload, done) => {
    setImmediate(done, null, payload);
  };

  readonly #execute = (): void => {
    const now = performance.now();
    if (this.#hasConnected && now - this.#servedAt < CONNECTIONS_FIRST) {
      this.#hasConnected = false;
      setImmediate(this.#execute);
      return;
    }
    this.#hasConnected = false;
    const cohort = this.#waiting.splice(0, COHORT_SIZE);
    // The next cohort waits for the next turn, after the event loop has read what has come meanwhile.
    if (this.#waiting.length > 0) setImmediate(this.#execute);
    for (const { go } of cohort) go();
    this.#onTurn(cohort.length);
    this.#servedAt = performance.now();
  };
}
