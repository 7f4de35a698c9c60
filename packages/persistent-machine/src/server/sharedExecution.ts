/**
 * What subscribers get of events: computed once for all that subscribe to the same. Knows neither what is subscribed
 * to, nor how results travel.
 */
import { type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import type { RequestContext } from './graphql';

/** A subscription that may begin. */
export interface Accepted extends ExecutionArgs {
  readonly contextValue: RequestContext;
  /** The same for all that are to get the same. */
  readonly sameness: string;
}

/** What a subscription is answered, one after another. */
export type Results = AsyncIterableIterator<ExecutionResult, undefined>;

/** How long a result may be given to others, in milliseconds. */
const SHARED_FOR = 1_000;

/**
 * What all who subscribe to the same get of an event: computed once for those who ask at about the same time.
 * Who subscribes after an answer was given must see at least what that showed, so they get none from before.
 */
export class SharedExecution {
  readonly #accepted: Accepted;
  readonly #timeout: number;
  readonly #results = new WeakMap<object, { at: number; result: Promise<ExecutionResult> }>();
  subscribers = 0;

  /** @param timeout how long a result may take, in milliseconds */
  constructor(accepted: Accepted, timeout: number) {
    this.#accepted = accepted;
    this.#timeout = timeout;
  }

  /** @param beganAt when the subscriber subscribed, by `performance.now()` */
  async of(event: unknown, beganAt: number): Promise<ExecutionResult> {
    // Whatever the feed gives is an object.
    const key = event as object;
    const now = performance.now();
    const known = this.#results.get(key);
    if (known && known.at > Math.max(beganAt, now - SHARED_FOR)) return known.result;
    // The subscription's own deadline was for beginning.
    const contextValue = { ...this.#accepted.contextValue, deadline: now + this.#timeout };
    const result = Promise.resolve(execute({ ...this.#accepted, contextValue, rootValue: key }));
    this.#results.set(key, { at: now, result });
    const { errors } = await result;
    // What failed for one may succeed for the next.
    if (errors) this.#results.delete(key);
    return result;
  }
}

/** By hand: an async generator could not be ended while it waits for an event. */
export class ResultStream implements Results {
  readonly #events: AsyncIterator<unknown>;
  readonly #shared: SharedExecution;
  readonly #beganAt: number;
  #release: ((error?: unknown) => void) | undefined;

  /** @param release to be called once, when it has ended: by either side, or by an error */
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
      // Whoever iterates takes that for the end, and does not ask to end it.
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
