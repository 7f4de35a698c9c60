/**
 * What becomes of every request and subscription, told in this one place to its two readers: the log and the
 * metrics. Does not know how they travel, and gets to see neither variables nor documents, tokens, addresses
 * or query strings, so that none of them can be told.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { OperationDefinitionNode } from 'graphql';
import type { Metrics } from '../metrics';
import { isFailure } from './errors';

/** The longest name of an operation that is told: a document may have one of any length. */
const LONGEST_NAME = 64;

/** The most lines a second of what was refused or failed: whoever floods us must not flood the log as well. */
const MOST_LINES = 100;

/** What is noted of one request, from when it came until somebody tells what became of it. */
export class Observation {
  /** When it came, by `performance.now()`. */
  readonly since = performance.now();
  /** `none` until the document was read, if it ever is. */
  operation: `${OperationDefinitionNode['operation']}` | 'none' = 'none';
  operationName: string | undefined;
  /** The first typed refusal, such as `IllegalTransition`: an outcome, and no error. */
  refusal: string | undefined;
  /** Whether its answer was told already. */
  isTold = false;

  constructor(readonly requestId: string) {}

  /** Notes what turned out to be asked. */
  identify({ operation, name }: OperationDefinitionNode): void {
    this.operation = operation;
    if (name && name.value.length <= LONGEST_NAME) this.operationName = name.value;
  }

  /** In milliseconds, so far. */
  get duration(): number {
    return performance.now() - this.since;
  }
}

export class Observer {
  readonly #log: FastifyBaseLogger;
  readonly #metrics: Metrics;
  /** Whether lines are wanted of what succeeds: else they are not even made. */
  readonly #isTalkative: boolean;
  /** The second in which lines are counted, how many there were, and how many were held back since the last. */
  #second = 0;
  #lines = 0;
  #heldBack = 0;

  constructor(log: FastifyBaseLogger, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
    this.#isTalkative = log.level === 'debug' || log.level === 'trace';
  }

  /**
   * A request was answered, or a subscription accepted or refused; what was told already is not told again.
   *
   * @param code of the first error; `OK` where there is none
   * @param status HTTP's; undefined over a socket
   */
  answered(observation: Observation, code: string, status?: number): void {
    if (observation.isTold) return;
    observation.isTold = true;
    const { operation, duration } = observation;
    if (code !== 'OK') {
      this.#metrics.countRequest(operation, code, duration);
      this.#tellError(observation, code, { status }, 'Request');
      return;
    }
    // Health, metrics, the playground's files are no operation.
    const isOperation = operation !== 'none';
    if (isOperation) this.#metrics.countRequest(operation, code, duration);
    if (!this.#isTalkative) return;
    const what = operation === 'subscription' ? 'Subscription began' : 'Request answered';
    this.#log[isOperation ? 'debug' : 'trace'](lineOf(observation, { status }), what);
  }

  /**
   * A subscription that had been accepted is over.
   *
   * @param code of the error that it ended by; `OK` where either side ended it
   */
  ended(observation: Observation, code: string): void {
    if (code === 'OK') {
      if (this.#isTalkative) this.#log.debug(lineOf(observation), 'Subscription ended');
    } else {
      this.#metrics.countSubscriptionError(code);
      this.#tellError(observation, code, {}, 'Subscription');
    }
  }

  /** A subscriber was sent a result with errors in it, and goes on. */
  resultFailed(code: string): void {
    this.#metrics.countSubscriptionError(code);
  }

  #tellError(
    observation: Observation,
    code: string,
    facts: { readonly status?: number | undefined },
    what: string,
  ): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines >= MOST_LINES) {
      this.#heldBack += 1;
      return;
    }
    this.#lines += 1;
    const heldBack = this.#heldBack === 0 ? undefined : this.#heldBack;
    this.#heldBack = 0;
    const line = lineOf(observation, { ...facts, code, heldBack });
    if (isFailure(code)) this.#log.warn(line, `${what} failed`);
    else this.#log.info(line, `${what} refused`);
  }
}

/** What is undefined is left out. */
function lineOf(
  { requestId, operation, operationName, refusal, duration }: Observation,
  facts: Readonly<Record<string, string | number | undefined>> = {},
): object {
  const durationMs = Math.round(duration * 100) / 100;
  return { requestId, operation, operationName, ...facts, refusal, durationMs };
}
