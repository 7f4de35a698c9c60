/**
 * Has requests go through GraphQL in cohorts: a few of those that wait are executed one right after another, and so
 * are answers written that become ready in one turn of the event loop. The code of a stage is then still in the
 * processor's caches for the second request, and the kernel wakes the reader of the answers once, where it would
 * else put it to sleep between any two. (Larus and Parkes, "Using Cohort Scheduling to Enhance Server Performance",
 * 2002.) There is no timer: a request that comes alone goes at once. Does not know why a request is refused.
 *
 * A cohort is small: between two of them the event loop listens to the database, which would else have nothing to do
 * for as long as a large one takes. The store's lanes make cohorts of their own.
 */
import { AsyncResource } from 'node:async_hooks';
import type { onSendHookHandler, preHandlerHookHandler } from 'fastify';

/** So many have most of what can be gained; the time of more is the database's idle time. */
const COHORT_SIZE = 16;

/**
 * For how long new connections go before requests, in milliseconds. libuv takes one connection in each turn of the
 * event loop: with a cohort in each turn, the last of some thousand clients that come back at once would wait for
 * seconds until it is heard.
 */
const CONNECTIONS_FIRST = 2;

interface Waiting {
  /** When it came, by `performance.now()`. */
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
   * @param limit the most requests that wait for their turn; admission asks `isFull` before it lets another one in
   * @param onTurn told after each turn how many requests went in it
   */
  constructor(limit: number, onTurn: (served: number) => void = () => undefined) {
    this.#limit = limit;
    this.#onTurn = onTurn;
  }

  /** Whether so many wait already that another one may be refused at once. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#limit;
  }

  /** How many wait for their turn. */
  get length(): number {
    return this.#waiting.length;
  }

  /** For how long the first of those that wait has waited, in milliseconds; 0: none waits. */
  get age(): number {
    const [first] = this.#waiting;
    return first ? performance.now() - first.since : 0;
  }

  /** To be called for each new connection: there may be more of them. */
  readonly connected = (): void => {
    this.#hasConnected = true;
  };

  readonly preHandler: preHandlerHookHandler = ({ ws }, _reply, done) => {
    // An upgrade executes nothing, and `ws` gives a socket up whose client has closed its side meanwhile.
    if (ws) {
      done();
      return;
    }
    // In the request's own context, and not in that of the one that begins the cohort: its trace is there.
    // Not by AsyncResource.bind: it makes accessors for each, which take as long as a third of a query.
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
    // In the next turn, and so after the event loop has read what has come meanwhile.
    if (this.#waiting.length > 0) setImmediate(this.#execute);
    for (const { go } of cohort) go();
    this.#onTurn(cohort.length);
    this.#servedAt = performance.now();
  };
}
