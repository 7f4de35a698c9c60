/**
 * Executes each event of a subscription once for all subscribers with the same document and variables. Knows neither
 * the documents nor the transports.
 */
import { type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import type { RequestContext } from './graphql';

/** A subscription that may begin. */
export interface Accepted extends ExecutionArgs {
  readonly contextValue: RequestContext;
  /** Equal for subscriptions with the same document and variables. */
  readonly sharingKey: string;
}

/** The results of a subscription, in order. */
export type Results = AsyncIterableIterator<ExecutionResult, undefined>;

/** How long a result may be shared, in milliseconds. */
const SHARED_FOR = 1_000;

/**
 * The results that subscribers share. A subscriber never gets a result from before it subscribed: it may have seen
 * newer data since, in the answer to another request.
 */
export class SharedExecution {
  readonly #accepted: Accepted;
  readonly #timeout: number;
  readonly #results = new WeakMap<object, { at: number; result: Promise<ExecutionResult> }>();
  subscribers = 0;

  /** @param timeout how long one result may take, in milliseconds */
  constructor(accepted: Accepted, timeout: number) {
    this.#accepted = accepted;
    this.#timeout = timeout;
  }

  /** @param beganAt when the subscriber subscribed, by `performance.now()` */
  async of(event: unknown, beganAt: number): Promise<ExecutionResult> {
    // The feed yields objects only.
    const key = event as object;
    const now = performance.now();
    const known = this.#results.get(key);
    if (known && known.at > Math.max(beganAt, now - SHARED_FOR)) return known.result;
    // The deadline of the accepted request was for the beginning of the subscription.
    const contextValue = { ...this.#accepted.contextValue, deadline: now + this.#timeout };
    const result = Promise.resolve(execute({ ...this.#accepted, contextValue, rootValue: key }));
    this.#results.set(key, { at: now, result });
    const { errors } = await result;
    // A retry may succeed, so an error is not shared.
    if (errors) this.#results.delete(key);
    return result;
  }
}

/** Written by hand, because an async generator cannot be ended while it waits for an event. */
export class ResultStream implements Results {
  readonly #events: AsyncIterator<unknown>;
  readonly #shared: SharedExecution;
  readonly #beganAt: number;
  #release: ((error?: unknown) => void) | undefined;

  /** @param release called once, when the stream ends; with the error if one ended it */
  constructor(
    events: AsyncIterator<unknown>,
    shared: SharedExecution,
    beganAt: number,
    release: (error?: unknown) => void,
  ) {
    this.#events = events;
    this.#shared = shared;
    this.#beganAt = beganAt;
    this.#release = release;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    try {
      const event = await this.#events.next();
      if (event.done === true) return await this.return();
      return { done: false, value: await this.#shared.of(event.value, this.#beganAt) };
    } catch (error) {
      // A consumer takes an error for the end, and does not call `return`.
      await this.#end(error);
      throw error;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#end();
    return { done: true, value: undefined };
  }

  async #end(error?: unknown): Promise<void> {
    this.#release?.(error);
    this.#release = undefined;
    await this.#events.return?.();
  }
}
